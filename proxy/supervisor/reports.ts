/**
 * What the operator is told once, however long it lasts.
 *
 * @module
 */
import type { OperatorLog } from "../sidecar.ts";

export class Reports {
  readonly #log: OperatorLog;
  /** What was reported of the policy at the last review: it is not said again while it lasts. */
  #reported: ReadonlySet<string> = new Set();
  readonly #missing = new Set<string>();

  constructor(log: OperatorLog) {
    this.#log = log;
  }

  /** All that is wrong with the policy now. */
  faults(messages: readonly string[]): void {
    for (const message of messages) {
      if (!this.#reported.has(message)) this.#log.warn(message);
    }
    this.#reported = new Set(messages);
  }

  /** Walls of the sandbox that this machine lacks. */
  missing(walls: readonly string[]): void {
    for (const wall of walls) {
      if (!this.#missing.has(wall)) {
        this.#log.warn(`the sandbox lacks a wall on this machine: ${wall}`);
      }
      this.#missing.add(wall);
    }
  }
}
