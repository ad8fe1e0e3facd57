/**
 * What has become of one version of a parser in this process.
 *
 * @module
 */

/** One version, from its first connection to its last. */
export class ParserUsage {
  /** By which the supervisor knows the version. */
  readonly number: number;
  /** A reply has passed under it. */
  served = false;
  readonly #onPanic: () => void;

  /** @param onPanic told of a panic before the version has served */
  constructor(number: number, onPanic: () => void = () => {}) {
    this.number = number;
    this.#onPanic = onPanic;
  }

  /** It ended a connection by a panic. */
  panicked(): void {
    if (!this.served) this.#onPanic();
  }
}
