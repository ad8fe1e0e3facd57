/** Small clusters, of pods a, b and c, for tests of the index. */
import type { Access } from "../../../policy/mod.ts";
import type { Cluster } from "./cluster.ts";
import type { PodFacts, PolicyFacts } from "./facts.ts";
import { clusterOf, judgeOf, type Objects, toldOf } from "./testing.ts";

export function pod(name: string, more: Partial<PodFacts> = {}): PodFacts {
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

export function policy(
  name: string,
  spec: object,
  more: Partial<PolicyFacts> = {},
) {
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

export const of = (matchLabels: Record<string, string>) => ({ matchLabels });
/** Lets b in to a. */
export const B_TO_A = policy("b-to-a", {
  endpointSelector: of({ app: "a" }),
  ingress: [{ fromEndpoints: [of({ app: "b" })] }],
});
export const A = pod("a", { ips: ["10.0.0.1"] });
export const B = pod("b", { ips: ["10.0.0.2"] });
export const C = pod("c", { ips: ["10.0.0.3"] });

export function cluster(all: Partial<Objects>): Cluster {
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
export function keys(it: Cluster, name: string): string[] {
  return [...it.stateFor("default", name)!.keys()].slice(2).sort();
}

/** Whether a peer's connection to pod a is let in. */
export function verdict(it: Cluster, address: string): Access["verdict"] {
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
