/**
 * Work that many ask for at once and is done for all of them together.
 *
 * @module
 */

/**
 * Everybody gets what was begun after he asked, so that nothing is older than
 * the question; the work is begun once in a period at most.
 */
export class Joined<Result> {
  readonly #make: () => Promise<Result>;
  readonly #period: number;
  #next: Promise<Result> | undefined;
  #begun = -Infinity;

  /** @param period in milliseconds */
  constructor(make: () => Promise<Result>, period: number) {
    this.#make = make;
    this.#period = period;
  }

  get(): Promise<Result> {
    return this.#next ??= this.#begin();
  }

  async #begin(): Promise<Result> {
    const wait = this.#begun + this.#period - performance.now();
    await (wait > 0
      ? new Promise((resolve) => setTimeout(resolve, wait))
      : Promise.resolve()); // #next is set before it is cleared
    this.#begun = performance.now();
    this.#next = undefined;
    return await this.#make();
  }
}
