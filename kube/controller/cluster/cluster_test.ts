/** The index of a cluster: what it says of pods, and whom it tells of changes. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { Cluster } from "./cluster.ts";
import type { PodFacts, PolicyFacts } from "./facts.ts";
import type { SidecarState } from "./lines.ts";
import type { Keys } from "./subscriptions.ts";
import { clusterOf, type Objects, objects, syncAll } from "./testing.ts";

import {
  A,
  B,
  B_TO_A,
  C,
  cluster,
  keys,
  of,
  pod,
  policy,
  verdict,
} from "./cluster_harness_test.ts";

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
    { seed: 20_261_124, numRuns: 200 },
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
