/**
 * What a controller knows of a cluster, as far as sidecars are concerned: facts
 * of objects, without the objects.
 *
 * @module
 */
import type { NamedPort } from "../../../policy/mod.ts";

/** An object of a namespace, by its name. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface PodFacts extends ObjectName {
  readonly uid: string;
  /** When it was created, as RFC 3339 in UTC. */
  readonly created?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Absent: `default`. */
  readonly serviceAccount?: string;
  /** Where it runs, once it is scheduled. */
  readonly node?: string;
  /** All of `status.podIPs`. */
  readonly ips: readonly string[];
  /** `status.phase`: the addresses of one that `Succeeded` or `Failed` are free for others. */
  readonly phase?: string;
  /** `spec.hostNetwork`: its addresses are its node's, so they do not tell who it is. */
  readonly isHostNetwork?: boolean;
  /** Names that its containers give their ports. */
  readonly ports?: readonly NamedPort[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Whether a sidecar is in it, to which a stream is owed. */
  readonly isInjected: boolean;
}

export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ServiceFacts extends ObjectName {
  readonly labels: Readonly<Record<string, string>>;
  readonly selector?: Readonly<Record<string, string>>;
  /** Of a service without a selector: its endpoints outside the cluster. */
  readonly addresses?: readonly string[];
}

export type PolicyKind =
  | "CiliumNetworkPolicy"
  | "CiliumClusterwideNetworkPolicy"
  | "ParleyPolicy"
  | "ParleyClusterPolicy";

/** Which policy; a clusterwide one has no namespace. */
export interface PolicyName {
  readonly kind: PolicyKind;
  readonly namespace?: string;
  readonly name: string;
}

export interface PolicyFacts extends PolicyName {
  readonly uid: string;
  readonly generation: number;
  /** The object as the API server has it: `apiVersion`, `kind`, `metadata`, `spec`, `specs`. */
  readonly document: unknown;
}

/** The kinds of objects that a cluster is made of. */
export type FactKind = "pods" | "namespaces" | "services" | "policies";
