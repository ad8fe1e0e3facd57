/**
 * What the index keeps of each object, with what hangs together.
 *
 * @module
 */
import type { LabelSet } from "../../../policy/labels.ts";
import type { Service } from "../../../policy/mod.ts";
import type { Candidate } from "./asks.ts";
import type { PodFacts, PolicyFacts, ServiceFacts } from "./facts.ts";
import type { Line } from "./lines.ts";
import type { ReadPolicy } from "./read_policy.ts";

export interface PodRecord {
  /** `NAMESPACE/NAME`. */
  readonly key: string;
  readonly facts: PodFacts;
  /** By which policies know it. */
  readonly labels: Readonly<Record<string, string>>;
  /** The same with its namespace, as texts and as they are tested. */
  readonly texts: readonly string[];
  readonly tested: LabelSet;
  readonly endpoint: Line;
  /** Prefixes of its addresses. */
  readonly cidrs: readonly string[];
  /** Those that select it. */
  readonly policies: Set<PolicyRecord>;
}

/** Who is at an address. */
export interface AddressRecord {
  readonly pod: PodRecord;
  readonly line: Line;
  readonly candidate: Candidate;
  /** Those for which it is another than a stranger. */
  readonly policies: Set<PolicyRecord>;
}

export interface ServiceRecord {
  readonly facts: ServiceFacts;
  /** As policies test it. */
  readonly service: Service;
  readonly line: Line;
  /** Those that ask for it. */
  readonly policies: Set<PolicyRecord>;
}

export interface PolicyRecord {
  readonly facts: PolicyFacts;
  /** As it is written now. */
  readonly written: ReadPolicy;
  /** The version that sidecars are sent. */
  readonly sent: ReadPolicy;
  readonly line: Line;
  /** That it selects. */
  readonly pods: Set<PodRecord>;
  readonly addresses: Set<AddressRecord>;
  readonly services: Set<ServiceRecord>;
}

/** Whether two sets have the same members. */
export function isSame<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}
