/**
 * Which pods lack something for which policies. No I/O: objects come in as they
 * change, and what is to be told anew goes out.
 *
 * @module
 */
import type { Problem } from "../../policy/mod.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type {
  NamespaceFacts,
  ObjectName,
  PolicyName,
} from "./cluster/facts.ts";
import {
  policyId,
  type ReadPolicy,
  readPolicy,
} from "./cluster/read_policy.ts";
import { isGuarded, isOver, lackOf } from "./lacks.ts";
import type { Pod, Policy } from "./read_objects.ts";

/** A policy, with what was made of it. */
export interface KnownPolicy {
  readonly policy: Policy;
  readonly read: ReadPolicy;
  readonly problems: readonly Problem[];
  /** By pod, what it lacks. */
  readonly lacks: Map<string, string>;
}

/** What is to be told anew. */
export interface Changes {
  /** Ids of policies. */
  readonly policies: ReadonlySet<string>;
  /** Pods that should have a sidecar and have none, of those that were looked at. */
  readonly notInjected: readonly Pod[];
}

export class LackIndex {
  readonly #cluster: Pick<Cluster, "policiesOf" | "podsOf">;
  readonly #judge: (document: unknown) => readonly Problem[];
  readonly #pods = new Map<string, Pod>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #policies = new Map<string, KnownPolicy>();
  /** Pods without a sidecar, where one is asked for if a policy selects them. */
  readonly #bare = new Set<string>();
  /** Those of them that should have one. */
  readonly #notInjected = new Set<string>();
  readonly #dirtyPods = new Set<string>();
  /** Policies whose pods have not been looked at. */
  readonly #newPolicies = new Set<string>();
  #dirtyPolicies = new Set<string>();

  constructor(
    cluster: Pick<Cluster, "policiesOf" | "podsOf">,
    judge: (document: unknown) => readonly Problem[],
  ) {
    this.#cluster = cluster;
    this.#judge = judge;
  }

  policy(id: string): KnownPolicy | undefined {
    return this.#policies.get(id);
  }

  policies(): KnownPolicy[] {
    return [...this.#policies.values()];
  }

  pod(key: string): Pod | undefined {
    return this.#pods.get(key);
  }

  /** How many pods have a sidecar, have none, and should have one. */
  get podCounts(): { injected: number; bare: number; notInjected: number } {
    const injected = [...this.#pods.values()]
      .filter(({ isInjected }) => isInjected).length;
    const bare = this.#pods.size - injected;
    return { injected, bare, notInjected: this.#notInjected.size };
  }

  setPod(pod: Pod): void {
    this.#pods.set(keyOf(pod), pod);
    this.#dirtyPods.add(keyOf(pod));
  }

  deletePod(name: ObjectName): void {
    this.#pods.delete(keyOf(name));
    this.#dirtyPods.add(keyOf(name));
  }

  setNamespace({ name, labels }: NamespaceFacts): void {
    this.#namespaces.set(name, labels);
    this.#touchNamespace(name);
  }

  deleteNamespace(name: string): void {
    this.#namespaces.delete(name);
    this.#touchNamespace(name);
  }

  setPolicy(policy: Policy): void {
    const id = policyId(policy);
    const before = this.#policies.get(id);
    this.#dirtyPolicies.add(id);
    if (before && isSameText(before.policy, policy)) {
      // Its status is another, and perhaps not as it should be.
      this.#policies.set(id, { ...before, policy });
      return;
    }
    this.#policies.set(id, {
      policy,
      read: readPolicy(policy, {}),
      problems: this.#judge(policy.document),
      lacks: new Map(),
    });
    this.#newPolicies.add(id);
    this.#touchBare();
  }

  deletePolicy(name: PolicyName): void {
    this.#policies.delete(policyId(name));
    this.#touchBare();
  }

  /** What the cluster says of a policy is another. */
  touchPolicy(id: string): void {
    this.#dirtyPolicies.add(id);
  }

  touchAll(): void {
    for (const id of this.#policies.keys()) this.#dirtyPolicies.add(id);
    for (const key of this.#pods.keys()) this.#dirtyPods.add(key);
  }

  /** Looks at what has changed since it was asked last. */
  look(): Changes {
    const pods = [...this.#dirtyPods];
    this.#dirtyPods.clear();
    for (const key of pods) this.#lookAt(key);
    for (const id of this.#newPolicies) this.#lookAtPodsOf(id);
    this.#newPolicies.clear();
    const policies = this.#dirtyPolicies;
    this.#dirtyPolicies = new Set();
    const notInjected = pods.filter((key) => this.#notInjected.has(key))
      .map((key) => this.#pods.get(key)!);
    return { policies, notInjected };
  }

  #touchNamespace(name: string): void {
    for (const [key, pod] of this.#pods) {
      if (pod.namespace === name) this.#dirtyPods.add(key);
    }
  }

  /** Whether they should have a sidecar depends on all policies. */
  #touchBare(): void {
    for (const key of this.#bare) this.#dirtyPods.add(key);
  }

  /** Finds what a pod lacks, and which policies are concerned. */
  #lookAt(key: string): void {
    const pod = this.#pods.get(key);
    const labels = this.#namespaces.get(pod?.namespace ?? "") ?? {};
    const selecting = new Set(
      pod ? this.#cluster.policiesOf(pod).map(policyId) : [],
    );
    for (const [id, { read, lacks }] of this.#policies) {
      const lack = pod && selecting.has(id)
        ? lackOf(pod, labels, read.rules)
        : undefined;
      if (lacks.get(key) === lack) continue;
      if (lack === undefined) lacks.delete(key);
      else lacks.set(key, lack);
      this.#dirtyPolicies.add(id);
    }
    const isBare = pod !== undefined && !pod.isInjected && !isOver(pod) &&
      isGuarded(pod, labels);
    put(this.#bare, key, isBare);
    const isWanted = isBare && (pod.isChosen || selecting.size > 0);
    put(this.#notInjected, key, isWanted);
  }

  /** Finds what pods with a sidecar lack for a policy that has changed. */
  #lookAtPodsOf(id: string): void {
    const known = this.#policies.get(id);
    if (!known) return;
    for (const facts of this.#cluster.podsOf(known.policy)) {
      const pod = this.#pods.get(keyOf(facts));
      if (!pod) continue;
      const labels = this.#namespaces.get(pod.namespace) ?? {};
      const lack = lackOf(pod, labels, known.read.rules);
      if (lack !== undefined) known.lacks.set(keyOf(pod), lack);
    }
  }
}

/** `NAMESPACE/NAME`. */
export function keyOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

function put(set: Set<string>, key: string, isIn: boolean): void {
  if (isIn) set.add(key);
  else set.delete(key);
}

function isSameText(a: Policy, b: Policy): boolean {
  return a.uid === b.uid && a.generation === b.generation &&
    JSON.stringify(a.document) === JSON.stringify(b.document);
}
