/** The index of a cluster: what it says of pods, and whom it tells of changes. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  strictEqual as assertSame,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import type { Access } from "../../../policy/mod.ts";
import { Cluster } from "./cluster.ts";
import type { PodFacts, PolicyFacts } from "./facts.ts";
import type { SidecarState } from "./lines.ts";
import type { Keys } from "./subscriptions.ts";
import {
  clusterOf,
  judgeOf,
  type Objects,
  objects,
  syncAll,
  toldOf,
} from "./testing.ts";

function pod(name: string, more: Partial<PodFacts> = {}): PodFacts {
  return {
    namespace: "default",
    name,
    uid: name,
    labels: { app: name },
    ips: [],
    annotations: {},
    isInjected: true,
    ...more,
  };
}

function policy(name: string, spec: object, more: Partial<PolicyFacts> = {}) {
  const facts: PolicyFacts = {
    kind: "ParleyPolicy",
    namespace: "default",
    name,
    uid: name,
    generation: 1,
    document: { spec },
    ...more,
  };
  return facts;
}

const of = (matchLabels: Record<string, string>) => ({ matchLabels });
/** Lets b in to a. */
const B_TO_A = policy("b-to-a", {
  endpointSelector: of({ app: "a" }),
  ingress: [{ fromEndpoints: [of({ app: "b" })] }],
});
const A = pod("a", { ips: ["10.0.0.1"] });
const B = pod("b", { ips: ["10.0.0.2"] });
const C = pod("c", { ips: ["10.0.0.3"] });

function cluster(all: Partial<Objects>): Cluster {
  return clusterOf({
    podCidrs: [],
    pods: [],
    namespaces: [],
    services: [],
    policies: [],
    ...all,
  });
}

/** The keys of what a pod's sidecar is told. */
function keys(it: Cluster, name: string): string[] {
  return [...it.stateFor("default", name)!.keys()].slice(2).sort();
}

Deno.test("a sidecar is told its policies and whom they ask for, and nobody else", () => {
  const it = cluster({ pods: [A, B, C], policies: [B_TO_A] });
  assertEquals(keys(it, "a"), [
    "identity 10.0.0.2",
    "policy ParleyPolicy/default/b-to-a",
  ]);
  assertEquals(keys(it, "b"), []);
});

Deno.test("nothing is said until all kinds of objects are known", () => {
  const it = new Cluster();
  it.setPod(A);
  let told = 0;
  it.subscribe("default", "a", () => told++);
  for (const kind of ["pods", "namespaces", "policies"] as const) {
    it.markSynced(kind);
    assertEquals(it.stateFor("default", "a"), undefined);
  }
  it.setPolicy(B_TO_A);
  assertEquals(told, 0);
  it.markSynced("services");
  assertEquals(told, 1);
  assertEquals(keys(it, "a"), ["policy ParleyPolicy/default/b-to-a"]);
});

Deno.test("a pod without a sidecar, and one that is not there, have no state", () => {
  const it = cluster({ pods: [pod("a", { isInjected: false })] });
  assertEquals(it.stateFor("default", "a"), undefined);
  assertEquals(it.stateFor("default", "b"), undefined);
});

interface Change {
  readonly name: string;
  readonly act: (it: Cluster) => void;
  /** Pods whose sidecars are told. */
  readonly told: readonly string[];
}

const CHANGES: readonly Change[] = [
  {
    name: "a label that makes a peer of a pod",
    act: (it) => it.setPod({ ...C, labels: { app: "b" } }),
    told: ["a", "c"], // c itself is known by it
  },
  {
    name: "a label of a peer",
    act: (it) => it.setPod({ ...B, labels: { app: "b", tier: "x" } }),
    told: ["a", "b"],
  },
  {
    name: "a label of a pod that nobody asks for",
    act: (it) => it.setPod({ ...C, labels: { app: "c", tier: "x" } }),
    told: ["c"],
  },
  {
    name: "an annotation",
    act: (it) => it.setPod({ ...B, annotations: { x: "y" } }),
    told: [],
  },
  {
    name: "a peer that is gone",
    act: (it) => it.deletePod(B),
    told: ["a", "b"],
  },
  {
    name: "another address of a peer",
    act: (it) => it.setPod({ ...B, ips: ["10.0.0.9"] }),
    told: ["a"],
  },
  {
    name: "a peer that has ended",
    act: (it) => it.setPod({ ...B, phase: "Succeeded" }),
    told: ["a"],
  },
  {
    name: "a policy for another pod",
    act: (it) =>
      it.setPolicy(
        policy("c", { endpointSelector: of({ app: "c" }), ingress: [{}] }),
      ),
    told: ["c"],
  },
  {
    name: "a policy that is gone",
    act: (it) => it.deletePolicy(B_TO_A),
    told: ["a"],
  },
  {
    name: "the same policy",
    act: (it) => it.setPolicy({ ...B_TO_A, generation: 2 }),
    told: [],
  },
  {
    name: "a service that no policy asks for",
    act: (it) =>
      it.setService({
        namespace: "default",
        name: "s",
        labels: {},
        selector: { app: "b" },
      }),
    told: [],
  },
];

for (const { name, act, told } of CHANGES) {
  Deno.test(`who is told of ${name}`, () => {
    const it = cluster({ pods: [A, B, C], policies: [B_TO_A] });
    const heard: string[] = [];
    for (const each of ["a", "b", "c"]) {
      it.subscribe("default", each, () => heard.push(each));
    }
    act(it);
    assertEquals(heard.sort(), told);
  });
}

Deno.test("one change is told once, and nothing after the end", () => {
  const both = policy("both", {
    endpointSelector: of({ app: "a" }),
    egress: [{ toEndpoints: [of({ app: "b" })] }],
  });
  const it = cluster({ pods: [A, B], policies: [B_TO_A, both] });
  let told = 0;
  const end = it.subscribe("default", "a", () => told++);
  it.setPod({ ...B, labels: { app: "b", x: "y" } });
  assertSame(told, 1);
  end();
  it.deletePod(B);
  assertSame(told, 1);
});

/** Whether a peer's connection to pod a is let in. */
function verdict(it: Cluster, address: string): Access["verdict"] {
  const { endpoint, policies, knowledge } = toldOf(
    it.stateFor("default", "a")!,
  );
  return judgeOf(endpoint, policies, knowledge)({
    direction: "ingress",
    port: 80,
    protocol: "TCP",
    address,
    names: [],
  }).verdict;
}

const TRAPS: readonly {
  readonly name: string;
  readonly peer: Partial<PodFacts>;
  readonly from: object;
  readonly verdict: Access["verdict"];
}[] = [
  {
    name: "a pod is not of another namespace because it says so",
    peer: {
      namespace: "elsewhere",
      labels: { app: "b", "io.kubernetes.pod.namespace": "default" },
    },
    from: { fromEndpoints: [of({ app: "b" })] },
    verdict: "denied",
  },
  {
    name: "a pod has not the labels of another namespace because it says so",
    peer: { labels: { "io.cilium.k8s.namespace.labels.team": "x" } },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.namespace.labels.team": "x" })],
    },
    verdict: "denied",
  },
  {
    name: "a pod has no other service account because it says so",
    peer: { labels: { "io.cilium.k8s.policy.serviceaccount": "boss" } },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.policy.serviceaccount": "boss" })],
    },
    verdict: "denied",
  },
  {
    name: "a pod is known by its service account",
    peer: { serviceAccount: "boss" },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.policy.serviceaccount": "boss" })],
    },
    verdict: "allowed",
  },
  {
    name: "a pod is known by the labels of its namespace",
    peer: { namespace: "elsewhere" },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.namespace.labels.team": "x" })],
    },
    verdict: "allowed",
  },
  {
    name: "a pod that no selector asks for is no stranger by its address",
    peer: {},
    from: { fromCIDR: ["10.0.0.0/8"] },
    verdict: "denied",
  },
  {
    name: "a pod that no selector asks for is not the world",
    peer: {},
    from: { fromEntities: ["world"] },
    verdict: "denied",
  },
  {
    name: "a pod that no selector asks for is of the cluster",
    peer: {},
    from: { fromEntities: ["cluster"] },
    verdict: "allowed",
  },
  {
    name: "an ended pod's address is a stranger's",
    peer: { phase: "Succeeded", labels: { app: "b" } },
    from: { fromEndpoints: [of({ app: "b" })] },
    verdict: "denied",
  },
  {
    name: "a pod in its node's network is not known by its address",
    peer: { isHostNetwork: true, labels: { app: "b" } },
    from: { fromEndpoints: [of({ app: "b" })] },
    verdict: "denied",
  },
];

for (const { name, peer, from, verdict: expected } of TRAPS) {
  Deno.test(name, () => {
    const it = cluster({
      pods: [A, pod("peer", { ips: ["10.0.0.7"], ...peer })],
      namespaces: [{ name: "elsewhere", labels: { team: "x" } }],
      policies: [
        policy("p", { endpointSelector: of({ app: "a" }), ingress: [from] }),
      ],
    });
    assertEquals(verdict(it, "10.0.0.7"), expected);
  });
}

Deno.test("a pod at the address of a service outside the cluster is not that service", () => {
  const it = cluster({
    pods: [A, C],
    services: [{
      namespace: "default",
      name: "db",
      labels: {},
      addresses: ["10.0.0.3"],
    }],
    policies: [policy("p", {
      endpointSelector: of({ app: "a" }),
      egress: [{ toServices: [{ k8sService: { serviceName: "db" } }] }],
    })],
  });
  const { endpoint, policies, knowledge } = toldOf(
    it.stateFor("default", "a")!,
  );
  const question = {
    direction: "egress",
    port: 80,
    protocol: "TCP",
    names: [],
  } as const;
  const judge = judgeOf(endpoint, policies, knowledge);
  assertEquals(judge({ ...question, address: "10.0.0.3" }).verdict, "denied");
});

Deno.test("of two pods that say an address is theirs, the later one is believed, and the other once it is gone", () => {
  const it = cluster({ pods: [A, B], policies: [B_TO_A] });
  assertEquals(verdict(it, "10.0.0.2"), "allowed");
  it.setPod({ ...C, ips: ["10.0.0.2"] });
  it.setPod({ ...B, phase: "Running" }); // that is nothing new of its address
  assertEquals(verdict(it, "10.0.0.2"), "denied");
  it.deletePod(C);
  assertEquals(verdict(it, "10.0.0.2"), "allowed");
});

Deno.test("of two pods that say an address is theirs at the start, the younger one is believed", () => {
  const old = { ...B, created: "2026-01-02T03:04:05Z" };
  const young = {
    ...C,
    name: "another", // comes before b in a list
    ips: ["10.0.0.2"],
    created: "2026-01-02T03:05:00Z",
  };
  const it = cluster({ pods: [A, young, old], policies: [B_TO_A] });
  assertEquals(verdict(it, "10.0.0.2"), "denied");
});

const BROKEN = {
  endpointSelector: of({ app: "a" }),
  ingress: [{ fromCIDR: ["nonsense"] }],
};

Deno.test("a policy that is wrong is reported, and its last good version stays", () => {
  const it = cluster({ pods: [A, B], policies: [B_TO_A] });
  it.setPolicy({ ...B_TO_A, document: { spec: BROKEN } });
  assertEquals(it.problemsOf(B_TO_A)[0]!.code, "cidr.parse");
  assertEquals(verdict(it, "10.0.0.2"), "allowed");
});

Deno.test("a policy that was never good is sent as it is to those whom it selects, and to all of its namespace where that cannot be told", () => {
  const bad = policy("bad", BROKEN);
  const it = cluster({
    pods: [A, B, pod("d", { namespace: "elsewhere" })],
    policies: [bad],
  });
  assertEquals(it.podsOf(bad).map(({ name }) => name), ["a"]);
  it.setPolicy({ ...bad, document: { spec: { ingress: [{}] } } });
  assertEquals(it.podsOf(bad).map(({ name }) => name), ["a", "b"]);
});

Deno.test("whoever watches policies is told which have other pods or problems", () => {
  const it = cluster({ pods: [A, B], policies: [B_TO_A] });
  const told: string[] = [];
  const end = it.watchPolicies(({ name }) => told.push(name));
  it.setPod({ ...B, labels: { app: "b", x: "y" } });
  assertEquals(told, []);
  it.setPod({ ...C, labels: { app: "a" } });
  assertEquals(told, ["b-to-a"]);
  assertEquals(it.policiesOf(C).map(({ name }) => name), ["b-to-a"]);
  it.setPolicy({ ...B_TO_A, document: { spec: BROKEN } });
  end();
  it.deletePolicy(B_TO_A);
  assertEquals(told, ["b-to-a", "b-to-a"]);
  assertEquals(it.policiesOf(C), []);
});

/** Makes one cluster of another, object by object. */
function become(it: Cluster, now: Objects, before: Objects): void {
  const gone = <T>(a: readonly T[], b: readonly T[], key: (one: T) => string) =>
    a.filter((one) => !b.some((other) => key(other) === key(one)));
  const byName = (one: { namespace?: string; name: string }) =>
    `${one.namespace}/${one.name}`;
  const byKind = (one: PolicyFacts) => `${one.kind}/${byName(one)}`;
  for (const one of gone(before.policies, now.policies, byKind)) {
    it.deletePolicy(one);
  }
  for (const one of now.policies) it.setPolicy(one);
  for (const one of gone(before.pods, now.pods, byName)) it.deletePod(one);
  for (const one of now.pods) it.setPod(one);
  for (const one of gone(before.services, now.services, byName)) {
    it.deleteService(one);
  }
  for (const one of now.services) it.setService(one);
  for (const one of now.namespaces) it.setNamespace(one);
}

/** What was set in which order does not count. */
function stateOf(it: Cluster, { namespace, name }: PodFacts) {
  const state = it.stateFor(namespace, name);
  return state && sorted(state);
}

function sorted(state: SidecarState) {
  return [...state].sort(([a], [b]) => a < b ? -1 : 1);
}

/** Keeps a state by what is told of it, key by key. */
function follow(
  it: Cluster,
  { namespace, name }: PodFacts,
  state: Map<string, string>,
  keys: Keys,
): void {
  const now = it.stateFor(namespace, name) ?? new Map<string, string>();
  for (const key of keys === "all" ? [...state.keys(), ...now.keys()] : keys) {
    const line = keys === "all"
      ? now.get(key)
      : it.lineFor(namespace, name, key);
    if (line === undefined) state.delete(key);
    else state.set(key, line);
  }
}

Deno.test("an index that followed changes says what a new one says, and told everybody whose state is another", () => {
  // What two pods say of one address depends on who came first; so each has its own.
  const distinct = objects.map((all) => {
    const taken = new Set<string>();
    const pods = all.pods.map((pod) => {
      const ips = pod.ips.filter((ip) => !taken.has(ip));
      for (const ip of ips) taken.add(ip);
      return { ...pod, ips };
    });
    return { ...all, podCidrs: [], pods };
  });
  let changes = 0;
  fc.assert(
    fc.property(distinct, distinct, (before, after) => {
      // A version that was good before would stay.
      const policies = after.policies
        .map((each, index) => ({ ...each, name: `later-${index}` }));
      const now = { ...after, policies };
      const it = clusterOf(before);
      const all = [...before.pods, ...now.pods];
      const known = new Map(
        all.map((pod) => [`${pod.namespace}/${pod.name}`, pod]),
      );
      const told = new Set<string>();
      const states = [...known].map(([key, pod]) => {
        const state = stateOf(it, pod);
        const followed = new Map(state);
        it.subscribe(pod.namespace, pod.name, (keys) => {
          told.add(key);
          follow(it, pod, followed, keys);
        });
        return { key, pod, state, followed };
      });
      become(it, now, before);
      const fresh = clusterOf(now);
      for (const { key, pod, state: former, followed } of states) {
        const state = stateOf(it, pod);
        assertEquals(state, stateOf(fresh, pod));
        assertEquals(sorted(followed), state ?? []);
        const isOther = JSON.stringify(state) !== JSON.stringify(former);
        if (isOther) changes++;
        assert(!isOther || told.has(key), `${key} was not told`);
      }
    }),
    { numRuns: 200 },
  );
  assert(changes > 200, `${changes}`);
});

Deno.test("a prefix of pods that is none is refused", () => {
  assertThrows(
    () => new Cluster({ podCidrs: ["10.0.0"] }),
    /expected a prefix/,
  );
  syncAll(new Cluster({ podCidrs: ["10.0.0.0/8"] }));
});
