/** Which names may be asked for, by the policy in force. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createPolicyStore } from "../../policy/mod.ts";
import { catalog } from "../../policy/testing.ts";
import { parseConfig } from "../config/mod.ts";
import { dataConfig } from "../data_config.ts";
import { DnsJudge, type Verdict } from "./judge.ts";

const RESOLVER = { hostname: "10.96.0.10", port: 53 };

/** A judge of these egress entries, for a workload `app: a` at 10.0.0.5. */
function judgeOf(
  egress: readonly object[],
  { annotations = {}, mode = "enforce" } = {},
): DnsJudge {
  const { config } = parseConfig(
    "parley.yaml",
    JSON.stringify({
      endpoints: [{ labels: { app: "a" }, addresses: ["10.0.0.5"] }],
      identities: [{
        cidr: RESOLVER.hostname,
        labels: { "k8s-app": "kube-dns" },
        namespace: "kube-system",
      }],
      mode,
    }),
  );
  const store = createPolicyStore(catalog);
  const { problems } = store.update([{
    file: "a.json",
    text: JSON.stringify({
      apiVersion: "cilium.io/v2",
      kind: "CiliumNetworkPolicy",
      metadata: { name: "a", annotations },
      spec: { endpointSelector: { matchLabels: { app: "a" } }, egress },
    }),
  }]);
  const errors = problems.filter(({ severity }) => severity === "error");
  assertEquals(errors, []);
  const judge = new DnsJudge();
  const { identities, cluster: { services } } = config!;
  judge.configure(dataConfig(config!, { identities, services }, ""));
  judge.publish(store.inForce);
  return judge;
}

function ask(
  judge: DnsJudge,
  name: string,
  { client = "10.0.0.5", protocol = "UDP" as "UDP" | "TCP" } = {},
): Verdict {
  return judge.judge({
    question: { name, type: 1, class: 1 },
    client: { hostname: client, port: 40_000 },
    resolver: RESOLVER,
    protocol,
  });
}

const toDns = {
  toEndpoints: [{
    matchLabels: {
      "k8s:io.kubernetes.pod.namespace": "kube-system",
      "k8s:k8s-app": "kube-dns",
    },
  }],
};
const port = (protocol: string, dns: readonly object[]) => {
  const ports = [{ port: "53", protocol }];
  return {
    toPorts: [{ ports, ...(dns.length > 0 ? { rules: { dns } } : {}) }],
  };
};

const CASES: readonly {
  readonly name: string;
  readonly egress: readonly object[];
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}[] = [
  {
    name: "without a rule for the direction everything",
    egress: [],
    allowed: ["a.io.", ".", "a\\046b.io."],
    denied: [],
  },
  {
    name: "by name, and by pattern within a label",
    egress: [{
      ...toDns,
      ...port("ANY", [{ matchName: "a.io" }, { matchPattern: "*.b.io" }]),
    }],
    allowed: ["a.io.", "x.b.io."],
    denied: ["x.a.io.", "b.io.", "x.y.b.io.", "x\\046y.b.io."],
  },
  {
    name: "any name by *, names that no host has too",
    egress: [{ ...toDns, ...port("UDP", [{ matchPattern: "*" }]) }],
    allowed: ["a.io.", ".", "a\\046b.io."],
    denied: [],
  },
  {
    name: "everything by an entry without rules, for the resolver alone",
    egress: [toDns, port("ANY", [{ matchName: "a.io" }])],
    allowed: ["a.io.", "b.io."],
    denied: [],
  },
  {
    name: "nothing where the resolver is another peer",
    egress: [{
      toCIDR: ["10.96.0.10/32"],
      ...port("ANY", [{ matchPattern: "*" }]),
    }],
    allowed: [],
    denied: ["a.io."],
  },
  {
    name: "nothing over UDP by a rule for TCP",
    egress: [{ ...toDns, ...port("TCP", [{ matchPattern: "*" }]) }],
    allowed: [],
    denied: ["a.io."],
  },
];

for (const { name, egress, allowed, denied } of CASES) {
  Deno.test(`DnsJudge allows ${name}`, () => {
    const judge = judgeOf(egress);
    const verdicts = (names: readonly string[]) =>
      names.map((name) => ask(judge, name).isAllowed);
    assertEquals(verdicts(allowed), allowed.map(() => true));
    assertEquals(verdicts(denied), denied.map(() => false));
  });
}

Deno.test("DnsJudge takes the port of another protocol for no name's", () => {
  const judge = judgeOf([{
    ...toDns,
    toPorts: [{
      ports: [{ port: "53", protocol: "TCP" }],
      rules: { l7proto: "r2d2", l7: [{}] },
    }],
  }]);
  const { isAllowed, reason } = ask(judge, "a.io.", { protocol: "TCP" });
  assertEquals([isAllowed, reason], [false, "no-rule"]);
});

Deno.test("DnsJudge says which rule decides, and who asks whom", () => {
  const judge = judgeOf([{
    ...toDns,
    ...port("ANY", [{ matchName: "a.io" }]),
  }]);
  const { rule, source, destination } = ask(judge, "a.io.");
  assertEquals(rule, "default/a#spec.egress[0].toPorts[0].dns[0]");
  assertEquals(source.address, "10.0.0.5:40000");
  assertEquals(destination, {
    address: "10.96.0.10:53",
    labels: [
      "k8s:io.kubernetes.pod.namespace=kube-system",
      "k8s:k8s-app=kube-dns",
    ],
  });
});

Deno.test("DnsJudge refuses whoever is no workload of ours", () => {
  const { isAllowed, reason } = ask(judgeOf([]), "a.io.", {
    client: "10.0.0.6",
  });
  assertEquals([isAllowed, reason], [false, "unknown-endpoint"]);
});

for (
  const [what, options] of [
    ["the sidecar", { mode: "audit" }],
    ["the document", { annotations: { "parley.dev/mode": "audit" } }],
  ] as const
) {
  Deno.test(`DnsJudge lets pass what ${what} audits`, () => {
    for (const name of ["b.io.", "c.io."]) {
      const entry = name === "b.io."
        ? { ...toDns, ...port("ANY", [{ matchName: "a.io" }]) }
        : { toEndpoints: [{ matchLabels: { app: "other" } }] };
      const { isAllowed, verdict } = ask(judgeOf([entry], options), name);
      assertEquals([isAllowed, verdict], [true, "audit"]);
    }
  });
}
