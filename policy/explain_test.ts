/** Why a decision falls as it does: the same decision, and every rule's part in it. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { documents, queries } from "./arbitraries.ts";
import type { Explanation, Peer } from "./mod.ts";
import { load, pod, subject, world } from "./testing.ts";

const POLICY = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: fleet }
specs:
- endpointSelector: { matchLabels: { app: other } }
  ingress: [{}]
- endpointSelector:
    matchLabels: { app: droid }
    matchExpressions: [{ key: tier, operator: NotIn, values: [test, lab] }]
  ingress:
  - fromEndpoints: [{ matchLabels: { app: pilot } }, {}]
    toPorts:
    - ports: [{ port: "80", endPort: 89, protocol: TCP }, { port: "443", protocol: TCP }]
      rules:
        l7proto: r2d2
        l7:
        - cmd: READ
        - { cmd: WRITE, file: x }
  - fromCIDRSet: [{ cidr: 10.0.0.0/8, except: [10.96.0.0/12] }]
  - fromEntities: [host]
    toPorts: [{ ports: [{ port: "53", protocol: UDP }] }]
  - fromEndpoints: []
  ingressDeny:
  - fromCIDR: [10.0.0.1, "2001:db8::/32"]
    toPorts: [{ ports: [{ port: "22" }] }]
`;

const DROID = subject({ app: "droid" });

function explain(peer: Peer, port: number): Explanation {
  return load(POLICY).current.explain({
    subject: DROID,
    direction: "ingress",
    port,
    peer,
  });
}

Deno.test("explain() tells where every rule stands, and its part", () => {
  const { rules, closedBy, protos } = explain(pod({ app: "x" }), 80);
  assertEquals(closedBy, ["default/fleet#specs[1]"]);
  assertEquals(protos, ["r2d2"]);
  const [other, droid] = rules;
  assertEquals(other, {
    ref: "default/fleet#specs[0]",
    place: { file: "policy.yaml", line: 5 },
    subject: { holds: false, text: "needs app=other" },
    closes: true,
    audits: false,
    entries: [],
  });
  assertEquals(droid!.place.line, 7);
  assertEquals(droid!.subject, {
    holds: true,
    text:
      "app=droid, tier not in (test, lab), k8s:io.kubernetes.pod.namespace=default",
  });
  const summary = droid!.entries.map(({ ref, place, verdict, applies }) => [
    ref.replace("default/fleet#specs[1].", ""),
    place.line,
    verdict,
    applies,
  ]);
  assertEquals(summary, [
    ["ingressDeny[0].toPorts[0]", 25, "deny", false],
    ["ingress[0].toPorts[0]", 13, "allow", true],
    ["ingress[1]", 19, "allow", false],
    ["ingress[2].toPorts[0]", 21, "allow", false],
    ["ingress[3]", 22, "allow", false],
  ]);
});

Deno.test("explain() lists the L7 rules of an entry with their lines", () => {
  const [, droid] = explain(pod({ app: "x" }), 80).rules;
  const { set, rules } = droid!.entries[1]!.l7!;
  assertEquals(set.proto, "r2d2");
  assertEquals(rules.map(({ ref, raw, place }) => [ref, raw, place.line]), [
    [`${set.ref}.l7[0]`, { cmd: "READ" }, 17],
    [`${set.ref}.l7[1]`, { cmd: "WRITE", file: "x" }, 18],
  ]);
});

const NAMESPACE = "k8s:io.kubernetes.pod.namespace=default";
const NO_IDENTITY = " (prefixes fit only addresses that have no identity)";

/** The entries in the order of the summary above. */
const FINDINGS: readonly {
  name: string;
  peer: Peer;
  port: number;
  entry: number;
  want: { peer: [boolean, string]; port: [boolean, string] };
}[] = [
  {
    name: "the first selector that fits",
    peer: pod({ app: "pilot" }),
    port: 85,
    entry: 1,
    want: {
      peer: [true, `app=pilot, ${NAMESPACE}`],
      port: [true, "80-89, 443"],
    },
  },
  {
    name: "all selectors when none fits",
    peer: world(),
    port: 90,
    entry: 1,
    want: {
      peer: [false, `app=pilot, ${NAMESPACE} or ${NAMESPACE}`],
      port: [false, "80-89, 443"],
    },
  },
  {
    name: "a prefix and its exceptions",
    peer: world("10.97.0.1"),
    port: 1,
    entry: 2,
    want: {
      peer: [false, "10.0.0.0/8 except 10.96.0.0/12"],
      port: [true, "every port"],
    },
  },
  {
    name: "why a prefix does not fit a peer with an identity",
    peer: pod({ app: "x" }, "default", "10.1.1.1"),
    port: 1,
    entry: 2,
    want: {
      peer: [false, `10.0.0.0/8 except 10.96.0.0/12${NO_IDENTITY}`],
      port: [true, "every port"],
    },
  },
  {
    name: "why a prefix does not fit a peer without an address",
    peer: { address: "", labels: ["reserved:world"] },
    port: 1,
    entry: 0,
    want: {
      peer: [false, "10.0.0.1 or 2001:db8::/32 (the peer has no address)"],
      port: [false, "22"],
    },
  },
  {
    name: "an entity, and a port that is not of TCP",
    peer: { address: "", labels: ["reserved:host"] },
    port: 53,
    entry: 3,
    want: { peer: [true, "entity host"], port: [false, "53/UDP"] },
  },
  {
    name: "an empty list of peers",
    peer: pod({}),
    port: 1,
    entry: 4,
    want: {
      peer: [false, "nobody: the list of peers is empty"],
      port: [true, "every port"],
    },
  },
];

for (const { name, peer, port, entry, want } of FINDINGS) {
  Deno.test(`explain() names ${name}`, () => {
    const found = explain(peer, port).rules[1]!.entries[entry]!;
    assertEquals({
      peer: [found.peer.holds, found.peer.text],
      port: [found.port.holds, found.port.text],
    }, want);
    assertEquals(found.applies, want.peer[0] && want.port[0]);
  });
}

Deno.test("explain() comes to what resolve() answers, for any policy and query", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(documents, fc.array(queries, { maxLength: 8 }), (own, all) => {
      const text = own.map((document) => JSON.stringify(document))
        .join("\n---\n");
      const { current } = load(text, "random.yaml", [], { nodes: true });
      for (const query of all) {
        const access = current.resolve(query);
        const told = current.explain(query);
        assertEquals(told.access, access);
        assertEquals(told, current.explain(query));
        checkStory(told);
        const kind = access.verdict === "denied"
          ? access.reason
          : access.unrestricted === undefined
          ? "l7"
          : access.unrestricted.rule === undefined
          ? "open"
          : "plain";
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: 1500, seed: 20261124 },
  );
  for (const kind of ["deny-rule", "no-rule", "l7", "open", "plain"]) {
    assert((seen.get(kind) ?? 0) > 20, `${kind}: ${seen.get(kind)}`);
  }
});

/** The rule that the answer names is among those that apply, and says so. */
function checkStory({ access, rules }: Explanation): void {
  const entries = rules.flatMap(({ entries }) => entries);
  for (const { applies, peer, port } of entries) {
    assertEquals(applies, peer.holds && port.holds);
    assert(peer.text !== "" && port.text !== "");
  }
  const named = access.verdict === "denied"
    ? access.rule
    : access.unrestricted?.rule;
  if (named === undefined) return;
  const entry = entries.find(({ ref }) => ref === named);
  assertEquals(entry?.applies, true);
  assertEquals(entry?.verdict, access.verdict === "denied" ? "deny" : "allow");
}
