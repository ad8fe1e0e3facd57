/**
 * What the readers of a document need to know beside the value they read.
 *
 * @module
 */
import type { L7Catalog } from "./model.ts";
import { formatPath, type Path } from "./problem.ts";
import type { KINDS } from "./schema.ts";

/** The kinds of document (policy semantics, section 1). */
export type Kind = (typeof KINDS)[number] | "RuleList";

/** Each kind of a namespace, and the one that is the same without. */
const SIBLINGS: readonly (readonly [Kind, Kind])[] = [
  ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"],
  ["ParleyPolicy", "ParleyClusterPolicy"],
];

/** Whether objects of a kind are in a namespace. */
export function isNamespaced(kind: Kind): boolean {
  return SIBLINGS.some(([namespaced]) => namespaced === kind);
}

/** The kind that is the same without a namespace, or the other way round. */
export function siblingOf(kind: Kind): Kind {
  const pair = SIBLINGS.find((pair) => pair.includes(kind));
  return pair?.find((other) => other !== kind) ?? kind;
}

/** What an operator decides about the reading of policies. */
export interface ReadingOptions {
  /** Whether `fromNodes` and `toNodes` are read; they are refused otherwise, as in Cilium. */
  readonly nodes: boolean;
  /** Whether names of `matchName` are looked up, so that no query of the workload need say where they lead. */
  readonly looksUp?: boolean;
  /** The cluster's name: peers are of it unless a selector names one. Without, of any. */
  readonly cluster?: string;
  /** Whether workloads ask the sidecar for names. */
  readonly answersDns?: boolean;
}

export const DEFAULTS: ReadingOptions = { nodes: false };

export class Scope {
  constructor(
    readonly kind: Kind,
    /** Of a policy of a namespace only. */
    readonly namespace: string | undefined,
    /** `[namespace/]name`, as rule references begin. */
    readonly id: string,
    /** Where the document begins inside the YAML document. */
    readonly base: Path,
    readonly catalog: L7Catalog,
    readonly options: ReadingOptions,
    /** Whether the document is in audit mode. */
    readonly audits: boolean,
  ) {}

  /** The reference of a rule or a part of one, for the access log. */
  refOf(path: Path): string {
    return `${this.id}#${formatPath(path.slice(this.base.length))}`;
  }
}
