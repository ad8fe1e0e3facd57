/**
 * What the readers of a document need to know beside the value they read.
 *
 * @module
 */
import type { L7Catalog } from "./model.ts";
import { formatPath, type Path } from "./problem.ts";

/** The kinds of document (policy semantics, section 1). */
export type Kind =
  | "CiliumNetworkPolicy"
  | "CiliumClusterwideNetworkPolicy"
  | "RuleList";

export class Scope {
  constructor(
    readonly kind: Kind,
    /** Of a CiliumNetworkPolicy only. */
    readonly namespace: string | undefined,
    /** `[namespace/]name`, as rule references begin. */
    readonly id: string,
    /** Where the document begins inside the YAML document. */
    readonly base: Path,
    readonly catalog: L7Catalog,
  ) {}

  /** The reference of a rule or a part of one, for the access log. */
  refOf(path: Path): string {
    return `${this.id}#${formatPath(path.slice(this.base.length))}`;
  }
}
