/** Which pods lack something for which policies, as both change. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { TRUSTING } from "../../policy/stored.ts";
import { inject } from "../inject/inject.ts";
import { OPTIONS } from "../inject/testing.ts";
import { Cluster } from "./cluster/cluster.ts";
import { policyId } from "./cluster/read_policy.ts";
import { judge } from "./judge.ts";
import { LackIndex } from "./lack_index.ts";
import { readPod, readPolicyObject } from "./read_objects.ts";

const NAME = { kind: "ParleyPolicy", namespace: "fleet", name: "x" } as const;
const ID = policyId(NAME);
const GUARDED = { name: "fleet", labels: { "parley.dev/inject": "enabled" } };

/** An index and the cluster behind it, which hear of the same. */
class World {
  readonly cluster = new Cluster();
  readonly index = new LackIndex(
    this.cluster,
    (document) => judge(document, TRUSTING),
  );

  constructor() {
    this.namespace(GUARDED);
    for (
      const kind of ["pods", "namespaces", "services", "policies"] as const
    ) {
      this.cluster.markSynced(kind);
    }
  }

  namespace(
    namespace: typeof GUARDED | { name: string; labels: object },
  ): void {
    const facts = namespace as typeof GUARDED;
    this.cluster.setNamespace(facts);
    this.index.setNamespace(facts);
  }

  pod(
    name: string,
    ports: string | undefined,
    { app = "cache", phase = "Running", labels = {} } = {},
  ): void {
    const bare = {
      metadata: {
        namespace: "fleet",
        name,
        uid: name,
        labels: { app, ...labels },
        annotations: ports === undefined ? {} : { "parley.dev/ports": ports },
      },
      spec: { containers: [{ name: "app", image: "memcached" }] },
    };
    const injection = ports === undefined ? undefined : inject(bare, OPTIONS);
    const { pod: injected } = { pod: bare, ...injection };
    const pod = readPod({ ...injected, status: { phase } });
    this.cluster.setPod(pod);
    this.index.setPod(pod);
  }

  policy(port: string, generation = 1): void {
    const policy = readPolicyObject("ParleyPolicy", {
      apiVersion: "parley.dev/v1alpha1",
      metadata: { namespace: "fleet", name: "x", uid: "x", generation },
      spec: {
        endpointSelector: { matchLabels: { app: "cache" } },
        ingress: [{ toPorts: [{ ports: [{ port, protocol: "TCP" }] }] }],
      },
    });
    this.cluster.setPolicy(policy);
    this.index.setPolicy(policy);
  }

  /** What pods lack for the policy, and which should have a sidecar. */
  look(): { lacks: Record<string, string>; notInjected: number } {
    this.index.look();
    return {
      lacks: Object.fromEntries(this.index.policy(ID)?.lacks ?? []),
      notInjected: this.index.podCounts.notInjected,
    };
  }
}

const NOT_TAKEN =
  "connections that come in at port 11211 pass by its sidecar (its parley.dev/ports or parley.dev/egress-ports leave them out)";
const LACKS = { "fleet/a": NOT_TAKEN };
const BARE = { "fleet/a": "it has no sidecar" };
const NONE = { lacks: {}, notInjected: 0 };

const CASES: readonly (readonly [
  name: string,
  steps: readonly (readonly [(world: World) => void, object])[],
])[] = [
  ["a policy that names another port later", [
    [(world) => world.pod("a", "80"), NONE],
    [(world) => world.policy("80"), NONE],
    [(world) => world.policy("11211", 2), { lacks: LACKS, notInjected: 0 }],
    [(world) => world.policy("80", 3), NONE],
  ]],
  ["a pod that is created anew", [
    [(world) => world.policy("11211"), NONE],
    [(world) => world.pod("a", "80"), { lacks: LACKS, notInjected: 0 }],
    [(world) => world.pod("a", "11211"), NONE],
  ]],
  ["a pod whose labels change", [
    [(world) => world.policy("11211"), NONE],
    [(world) => world.pod("a", "80", { app: "web" }), NONE],
    [(world) => world.pod("a", "80"), { lacks: LACKS, notInjected: 0 }],
    [(world) => world.pod("a", "80", { app: "web" }), NONE],
  ]],
  ["a pod without a sidecar, once a policy selects it", [
    [(world) => world.pod("a", undefined), NONE],
    [(world) => world.policy("11211"), { lacks: BARE, notInjected: 1 }],
    [
      (world) => world.pod("a", undefined, { phase: "Succeeded" }),
      NONE,
    ],
  ]],
  ["a pod that may go without", [
    [(world) => world.policy("11211"), NONE],
    [
      (world) =>
        world.pod("a", undefined, {
          labels: { "parley.dev/inject": "disabled" },
        }),
      NONE,
    ],
  ]],
  ["a namespace that asks for sidecars no more", [
    [(world) => world.policy("11211"), NONE],
    [(world) => world.pod("a", undefined), { lacks: BARE, notInjected: 1 }],
    [(world) => world.namespace({ name: "fleet", labels: {} }), NONE],
  ]],
  ["a pod that is gone", [
    [(world) => world.policy("11211"), NONE],
    [(world) => world.pod("a", undefined), { lacks: BARE, notInjected: 1 }],
    [
      ({ cluster, index }) => {
        cluster.deletePod({ namespace: "fleet", name: "a" });
        index.deletePod({ namespace: "fleet", name: "a" });
      },
      NONE,
    ],
  ]],
  ["a policy that is gone", [
    [(world) => world.pod("a", undefined), NONE],
    [(world) => world.policy("11211"), { lacks: BARE, notInjected: 1 }],
    [
      ({ cluster, index }) => {
        cluster.deletePolicy(NAME);
        index.deletePolicy(NAME);
      },
      NONE,
    ],
  ]],
];

for (const [name, steps] of CASES) {
  Deno.test(`what pods lack follows ${name}`, () => {
    const world = new World();
    for (const [change, wanted] of steps) {
      change(world);
      assertEquals(world.look(), wanted);
    }
  });
}
