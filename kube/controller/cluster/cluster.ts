/**
 * An index of a cluster that says what each sidecar has to know, and who is
 * concerned by a change. No I/O: facts come in, states go out.
 *
 * @module
 */
import {
  endpointLabels,
  type L7Catalog,
  type Problem,
} from "../../../policy/mod.ts";
import { parseLabels } from "../../../policy/labels.ts";
import { Addresses } from "./addresses.ts";
import type {
  FactKind,
  NamespaceFacts,
  ObjectName,
  PodFacts,
  PolicyFacts,
  PolicyName,
  ServiceFacts,
} from "./facts.ts";
import { podLabels } from "./labels.ts";
import { endpointLine, podCidrsLine, type SidecarState } from "./lines.ts";
import { Policies } from "./policies.ts";
import type { PodRecord } from "./records.ts";
import { type Changed, Subscriptions } from "./subscriptions.ts";

export interface ClusterOptions {
  /** What L7 rules are good; without it all are. */
  readonly catalog?: L7Catalog;
  /** The cluster's name, as `cluster.name` of the sidecars' configuration. */
  readonly name?: string;
  /**
   * Prefixes of all pods. Sidecars take an address there for a pod even when
   * they were not told of it, so that policies that speak of everybody outside
   * the cluster need no list of everybody inside.
   */
  readonly podCidrs?: readonly string[];
}

/** All of a cluster, or what one sidecar needs. */
export type View = "needed" | "complete";

/** Facts go in as they come; setting what is known already changes nothing. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #pods = new Pods();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #policies: Policies;
  readonly #addresses: Addresses;
  readonly #subscriptions = new Subscriptions();
  readonly #policyWatchers = new Set<(policy: PolicyName) => void>();
  readonly #unsynced = new Set<FactKind>(KINDS);

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
    this.#policies = new Policies(options);
    this.#addresses = new Addresses(this.#policies, options.podCidrs ?? []);
  }

  setPod(facts: PodFacts): void {
    const known = this.#pods.get(keyOf(facts));
    if (isEqual(known?.facts, facts)) return;
    this.#change(() => this.#putPod(facts));
  }

  deletePod(name: ObjectName): void {
    const pod = this.#pods.get(keyOf(name));
    if (pod) this.#change(() => this.#removePod(pod));
  }

  setNamespace({ name, labels }: NamespaceFacts): void {
    if (isEqual(this.#namespaces.get(name), labels)) return;
    this.#namespaces.set(name, labels);
    this.#change(() => this.#relabel(name));
  }

  deleteNamespace(name: string): void {
    if (!this.#namespaces.delete(name)) return;
    this.#change(() => this.#relabel(name));
  }

  setService(facts: ServiceFacts): void {
    this.#change(() => this.#addresses.setService(facts));
  }

  deleteService(name: ObjectName): void {
    this.#change(() => this.#addresses.deleteService(name));
  }

  setPolicy(facts: PolicyFacts): void {
    this.#change(() => {
      const pods = this.#pods.of(facts.namespace);
      this.#policies.set(facts, pods, this.#addresses);
    });
  }

  deletePolicy(name: PolicyName): void {
    this.#change(() => this.#policies.delete(name, this.#addresses));
  }

  /** All objects of a kind that there were at the start are set. Nothing is said before all four kinds are. */
  markSynced(kind: FactKind): void {
    if (!this.#unsynced.delete(kind) || !this.isSynced) return;
    this.#policies.begin(this.#pods.of(undefined));
    this.#addresses.begin();
    this.#policies.takeTouched();
    this.#addresses.takeOthers();
    this.#subscriptions.tellAll();
    for (const { facts } of this.#policies.all()) this.#tellOfPolicy(facts);
  }

  /** Whether all four kinds are. */
  get isSynced(): boolean {
    return this.#unsynced.size === 0;
  }

  /** What a pod's sidecar has to know; `undefined` while the cluster is not synced, or when there is no such pod with a sidecar. */
  stateFor(
    namespace: string,
    name: string,
    view: View = "needed",
  ): SidecarState | undefined {
    const pod = this.#pods.get(keyOf({ namespace, name }));
    if (!this.isSynced || !pod?.facts.isInjected) return undefined;
    const policies = [...pod.policies];
    const isNeeded = view === "needed";
    const addresses = isNeeded
      ? policies.flatMap(({ addresses }) => [...addresses])
      : this.#addresses.all();
    const services = isNeeded
      ? policies.flatMap(({ services }) => [...services])
      : this.#addresses.services();
    return new Map([
      pod.endpoint,
      podCidrsLine(this.#options.podCidrs ?? []),
      ...policies.map(({ line }) => line),
      ...addresses.map(({ line }) => line),
      ...services.map(({ line }) => line),
    ]);
  }

  /** One line of {@linkcode stateFor}, by its key. */
  lineFor(
    namespace: string,
    name: string,
    key: string,
    view: View = "needed",
  ): string | undefined {
    const pod = this.#pods.get(keyOf({ namespace, name }));
    if (!this.isSynced || !pod?.facts.isInjected) return undefined;
    const record = key.startsWith("identity ")
      ? this.#addresses.address(key)
      : key.startsWith("service ")
      ? this.#addresses.service(key)
      : undefined;
    const isTold = record !== undefined &&
      (view === "complete" || !record.policies.isDisjointFrom(pod.policies));
    return isTold ? record.line[1] : undefined;
  }

  /**
   * Calls `changed` whenever {@linkcode stateFor} may answer otherwise than
   * before: in lines of {@linkcode lineFor} of which the keys are told, or in
   * all. Returns what ends that.
   */
  subscribe(
    namespace: string,
    name: string,
    changed: Changed,
    view: View = "needed",
  ): () => void {
    const key = keyOf({ namespace, name });
    return this.#subscriptions.add(key, view === "complete", changed);
  }

  /** The facts of a pod. */
  pod(name: ObjectName): PodFacts | undefined {
    return this.#pods.get(keyOf(name))?.facts;
  }

  /** Whether a namespace is known: before, pods lack the labels that they have of it. */
  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  /** Pods with a sidecar that a policy selects. */
  podsOf(policy: PolicyName): PodFacts[] {
    return [...this.#policies.get(policy)?.pods ?? []]
      .map(({ facts }) => facts)
      .filter(({ isInjected }) => isInjected);
  }

  /** Policies that select a pod, whether or not it has a sidecar. */
  policiesOf(pod: ObjectName): PolicyFacts[] {
    return [...this.#pods.get(keyOf(pod))?.policies ?? []]
      .map(({ facts }) => facts);
  }

  /** What is wrong with a policy, as `parley check` says it; notes and warnings too. */
  problemsOf(policy: PolicyName): readonly Problem[] {
    return this.#policies.get(policy)?.written.problems ?? [];
  }

  /** Calls `changed` with a policy when what {@linkcode podsOf} or {@linkcode problemsOf} answer of it may be another. Returns what ends that. */
  watchPolicies(changed: (policy: PolicyName) => void): () => void {
    this.#policyWatchers.add(changed);
    return () => this.#policyWatchers.delete(changed);
  }

  #putPod(facts: PodFacts): void {
    const key = keyOf(facts);
    const before = this.#pods.get(key);
    const { name: cluster } = this.#options;
    const { namespace, name } = facts;
    const labels = podLabels(facts, this.#namespaces.get(namespace) ?? {});
    const texts = endpointLabels(labels, namespace, cluster);
    const pod: PodRecord = {
      key,
      facts,
      labels,
      texts,
      tested: parseLabels(texts),
      endpoint: endpointLine({ name, namespace, labels }),
      cidrs: Addresses.cidrsOf(facts),
      policies: new Set(),
    };
    this.#pods.set(pod);
    this.#policies.select(pod, before);
    this.#addresses.setPod(pod, before);
  }

  #removePod(pod: PodRecord): void {
    this.#pods.delete(pod);
    this.#policies.select(undefined, pod);
    this.#addresses.setPod(undefined, pod);
  }

  /** The labels of a namespace are another: its pods are known by them. */
  #relabel(namespace: string): void {
    for (const { facts } of [...this.#pods.of(namespace)]) this.#putPod(facts);
  }

  /** Changes something, and tells whom it concerns. */
  #change(act: () => void): void {
    act();
    const { pods, policies } = this.#policies.takeTouched();
    const others = this.#addresses.takeOthers();
    if (!this.isSynced) return;
    this.#subscriptions.tell(pods, others);
    for (const policy of policies) this.#tellOfPolicy(policy);
  }

  #tellOfPolicy(policy: PolicyName): void {
    for (const changed of this.#policyWatchers) changed(policy);
  }
}

/** Pods by their keys, and by their namespaces. */
class Pods {
  readonly #byKey = new Map<string, PodRecord>();
  readonly #byNamespace = new Map<string, Map<string, PodRecord>>();

  get(key: string): PodRecord | undefined {
    return this.#byKey.get(key);
  }

  /** All of a namespace, or of all. */
  of(namespace: string | undefined): Iterable<PodRecord> {
    const pods = namespace === undefined
      ? this.#byKey
      : this.#byNamespace.get(namespace);
    return pods?.values() ?? [];
  }

  set(pod: PodRecord): void {
    const { key, facts: { namespace } } = pod;
    const pods = this.#byNamespace.get(namespace) ?? new Map();
    this.#byNamespace.set(namespace, pods.set(key, pod));
    this.#byKey.set(key, pod);
  }

  delete({ key, facts: { namespace } }: PodRecord): void {
    const pods = this.#byNamespace.get(namespace);
    pods?.delete(key);
    if (pods?.size === 0) this.#byNamespace.delete(namespace);
    this.#byKey.delete(key);
  }
}

const KINDS: readonly FactKind[] = [
  "pods",
  "namespaces",
  "services",
  "policies",
];

function keyOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
