/** Which cluster peers are of, where it has a name; in force and as it is stored. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createIdentities, createPolicyStore, endpointLabels } from "./mod.ts";
import { StoredPolicy } from "./stored.ts";
import { catalog } from "./testing.ts";

const CLUSTER = "io.cilium.k8s.policy.cluster";
const PEERS = {
  own: "10.0.0.1",
  other: "10.0.0.2",
  elsewhere: "10.0.0.3",
  host: "10.0.0.4",
  world: "192.0.2.1",
};
type Who = keyof typeof PEERS;

function peersOf(name: string | undefined) {
  return createIdentities([
    { cidr: PEERS.own, labels: { app: "a" }, namespace: "default" },
    {
      cidr: PEERS.other,
      labels: { app: "a", [CLUSTER]: "two" },
      namespace: "default",
    },
    { cidr: PEERS.elsewhere, labels: { app: "a" }, namespace: "prod" },
    { cidr: PEERS.host, labels: { "reserved:host": "" }, namespace: "" },
  ], name === undefined ? {} : { name });
}

const NAMES_TWO = { matchLabels: { app: "a", [CLUSTER]: "two" } };
const ANY_CLUSTER = {
  matchExpressions: [{ key: CLUSTER, operator: "Exists" }],
};

/** Who gets in by an entry, where the cluster is called `one`, and where it has no name. */
const CASES: readonly (readonly [
  name: string,
  kind: "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" | "list",
  entry: object,
  named: readonly Who[],
  nameless: readonly Who[],
])[] = [
  [
    "a selector that names no cluster",
    "CiliumNetworkPolicy",
    { fromEndpoints: [{ matchLabels: { app: "a" } }] },
    ["own"],
    ["own", "other"],
  ],
  [
    "every pod",
    "CiliumClusterwideNetworkPolicy",
    { fromEndpoints: [{}] },
    ["own", "elsewhere"],
    ["own", "other", "elsewhere"],
  ],
  [
    "a selector that names another cluster",
    "CiliumNetworkPolicy",
    { fromEndpoints: [NAMES_TWO] },
    ["other"],
    ["other"],
  ],
  [
    "a selector of any cluster",
    "CiliumNetworkPolicy",
    { fromEndpoints: [ANY_CLUSTER] },
    ["own", "other"],
    ["other"],
  ],
  [
    "a reserved label",
    "CiliumNetworkPolicy",
    { fromEndpoints: [{ matchLabels: { "reserved:host": "" } }] },
    ["host"],
    ["host"],
  ],
  [
    "the entity cluster",
    "CiliumNetworkPolicy",
    { fromEntities: ["cluster"] },
    ["own", "elsewhere", "host"],
    ["own", "other", "elsewhere", "host"],
  ],
  [
    "a rule list, which is not confined",
    "list",
    { fromEndpoints: [{ matchLabels: { app: "a" } }] },
    ["own", "other", "elsewhere"],
    ["own", "other", "elsewhere"],
  ],
];

for (const [title, kind, entry, ...wanted] of CASES) {
  for (const [index, cluster] of ["one", undefined].entries()) {
    Deno.test(`${title}, in a cluster ${cluster ?? "without a name"}`, () => {
      const rule = { endpointSelector: {}, ingress: [entry] };
      const written = kind === "list" ? [rule] : {
        apiVersion: "cilium.io/v2",
        kind,
        metadata: { name: "p" },
        spec: rule,
      };
      const options = { nodes: false, ...(cluster ? { cluster } : {}) };
      const store = createPolicyStore(catalog, [], options);
      const text = JSON.stringify(written);
      const { documents } = store.update([{ file: "p.json", text }]);
      assertEquals(documents.map(({ status }) => status), ["applied"]);
      const stored = new StoredPolicy();
      stored.replace(store.inForce);
      const subject = { labels: endpointLabels({ app: "x" }, "default") };
      for (const policy of [store.current, stored.current]) {
        const allowed = (Object.keys(PEERS) as Who[]).filter((who) => {
          const peer = peersOf(cluster).peerOf(PEERS[who]);
          const query = {
            subject,
            direction: "ingress",
            port: 1,
            peer,
          } as const;
          return policy.resolve(query).verdict === "allowed";
        });
        assertEquals(allowed, wanted[index]);
      }
    });
  }
}

Deno.test("a document is another one when the cluster gets another name", () => {
  const text = JSON.stringify([{ endpointSelector: {}, ingress: [{}] }]);
  const options = { nodes: false, cluster: "one" };
  const before = createPolicyStore(catalog, [], options);
  before.update([{ file: "p.json", text }]);
  const after = createPolicyStore(catalog, [], { ...options, cluster: "two" });
  after.adopt(before.inForce);
  after.update([{ file: "p.json", text }]);
  assertEquals(after.inForce.map(({ cluster }) => cluster), ["two"]);
});
