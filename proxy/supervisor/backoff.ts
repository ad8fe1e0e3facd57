/**
 * When a process that died is started again: at once after a death out of the
 * blue, later and later when one after another dies young.
 *
 * @module
 */

/** A process that lived so long did not die of how it started. */
const HEALTHY_MS = 5000;
const FIRST_MS = 100;
const LONGEST_MS = 5000;

/** Counts deaths of one kind of process. */
export class Backoff {
  #young = 0;

  /** Deaths in a row that came early. */
  get young(): number {
    return this.#young;
  }

  /** Milliseconds to wait after the death of a process that lived for so many. */
  after(lived: number): number {
    this.#young = lived < HEALTHY_MS ? this.#young + 1 : 0;
    return this.#young < 2
      ? 0
      : Math.min(FIRST_MS * 2 ** (this.#young - 2), LONGEST_MS);
  }
}
