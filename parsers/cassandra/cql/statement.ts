/**
 * What the recognizer says of a CQL text.
 *
 * @module
 */

/**
 * What kinds of things a statement names. Materialized views share the names of
 * tables, and are called so.
 */
export type TargetKind =
  | "table"
  | "keyspace"
  | "index"
  | "type"
  | "function"
  | "aggregate"
  | "trigger"
  | "role"
  | "identity"
  | "mbean";

/** A name as the server resolves it: unquoted ones lower-cased, quoted ones as written. */
export interface Target {
  readonly kind: TargetKind;
  /**
   * Of a keyspace its own name. Empty: the session's, also of a keyspace without
   * a name (`DESCRIBE KEYSPACE`); or none, of things that are in no keyspace. A
   * function for which none is said may also be one of the server's own.
   */
  readonly keyspace: string;
  readonly name: string;
}

/** One statement; a part of a batch is one. */
export interface Statement {
  /** The name in rules; `unknown` when it was not recognized. Never `batch`: a batch gives its parts. */
  readonly action: string;
  /** Everything that the statement names, in the order of the text. */
  readonly targets: readonly Target[];
  /**
   * The text with literals replaced by `?`, and white space and comments by one
   * space. Holds no value: what was not understood, and all behind it, is `…`.
   */
  readonly shape: string;
  /** Why it is unknown: what was found, and at which character from 1 on. Holds no value. */
  readonly reason?: string;
}
