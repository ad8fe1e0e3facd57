/**
 * An index of a cluster that says what each sidecar has to know, and who is
 * concerned by a change. No I/O: facts come in, states go out.
 *
 * @module
 */
import type { L7Catalog, Problem } from "../../../policy/mod.ts";
import type {
  FactKind,
  NamespaceFacts,
  ObjectName,
  PodFacts,
  PolicyFacts,
  PolicyName,
  ServiceFacts,
} from "./facts.ts";
import type { SidecarState } from "./sidecar_state.ts";

export interface ClusterOptions {
  /** What L7 rules are good; without it all are. */
  readonly catalog?: L7Catalog;
  /** The cluster's name, as `cluster.name` of the sidecars' configuration. */
  readonly name?: string;
}

/** Facts go in as they come; setting what is known already changes nothing. */
export class Cluster {
  constructor(_options: ClusterOptions = {}) {}

  setPod(_pod: PodFacts): void {
    throw new Error("to be written");
  }

  deletePod(_name: ObjectName): void {
    throw new Error("to be written");
  }

  setNamespace(_namespace: NamespaceFacts): void {
    throw new Error("to be written");
  }

  deleteNamespace(_name: string): void {
    throw new Error("to be written");
  }

  setService(_service: ServiceFacts): void {
    throw new Error("to be written");
  }

  deleteService(_name: ObjectName): void {
    throw new Error("to be written");
  }

  setPolicy(_policy: PolicyFacts): void {
    throw new Error("to be written");
  }

  deletePolicy(_name: PolicyName): void {
    throw new Error("to be written");
  }

  /** All objects of a kind that there were at the start are set. Nothing is said before all four kinds are. */
  markSynced(_kind: FactKind): void {
    throw new Error("to be written");
  }

  /** Whether all four kinds are. */
  get isSynced(): boolean {
    throw new Error("to be written");
  }

  /** What a pod's sidecar has to know; `undefined` while the cluster is not synced, or when there is no such pod with a sidecar. */
  stateFor(_namespace: string, _pod: string): SidecarState | undefined {
    throw new Error("to be written");
  }

  /** Calls `changed` whenever {@linkcode stateFor} may answer otherwise than before. Returns what ends that. */
  subscribe(
    _namespace: string,
    _pod: string,
    _changed: () => void,
  ): () => void {
    throw new Error("to be written");
  }

  /** The facts of a pod. */
  pod(_name: ObjectName): PodFacts | undefined {
    throw new Error("to be written");
  }

  /** Pods with a sidecar that a policy selects. */
  podsOf(_policy: PolicyName): PodFacts[] {
    throw new Error("to be written");
  }

  /** Policies that select a pod, whether or not it has a sidecar. */
  policiesOf(_pod: ObjectName): PolicyFacts[] {
    throw new Error("to be written");
  }

  /** What is wrong with a policy, as `parley check` says it; notes and warnings too. */
  problemsOf(_policy: PolicyName): Problem[] {
    throw new Error("to be written");
  }

  /** Calls `changed` with a policy when what {@linkcode podsOf} or {@linkcode problemsOf} answer of it may be another. Returns what ends that. */
  watchPolicies(_changed: (policy: PolicyName) => void): () => void {
    throw new Error("to be written");
  }
}
