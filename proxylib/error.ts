/**
 * Errors that say what, where, what was found and how to mend it, and whose
 * turn it is.
 *
 * @module
 */

/** The parts of a message that a reader needs to mend the failure. */
export interface Fault {
  /** Who has to act. `proxy` is a defect of Parley's own. */
  readonly blame: "peer" | "operator" | "parser" | "proxy";
  /** File and path inside it, or connection and direction. */
  readonly where: string;
  /** Expected and current value, never payload bytes. */
  readonly found: string;
  /** The next step, as an imperative. */
  readonly mend: string;
}

/** A failure with its {@linkcode Fault}. */
export class ParleyError extends Error {
  override readonly name = "ParleyError";
  readonly fault: Fault;

  constructor(what: string, fault: Fault, options?: ErrorOptions) {
    super(`${what} at ${fault.where}: ${fault.found}; ${fault.mend}`, options);
    this.fault = fault;
  }
}
