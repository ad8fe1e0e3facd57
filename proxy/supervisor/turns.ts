/**
 * One change at a time: an older reading of files never replaces a newer one.
 *
 * @module
 */
import { STOPPING } from "../administered.ts";

/** As many wait for their turn as may. */
export class TooManyWait extends Error {
  override readonly name = "TooManyWait";
}

/** What is done in turn. */
export class Turns {
  readonly #most: number;
  #last: Promise<unknown> = Promise.resolve();
  /** Those that are not done, the one under way included. */
  #pending = 0;
  #isStopped = false;

  /** @param most that are not done at a time, the one under way included */
  constructor(most = Infinity) {
    this.#most = most;
  }

  /**
   * Does it when all before it is done, unless `signal` is aborted by then.
   *
   * @throws {TooManyWait}
   * @throws {Error} what it throws, or that nothing is done any more
   */
  async take<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#pending >= this.#most) {
      throw new TooManyWait(`${this.#most} wait already`);
    }
    this.#pending++;
    const turn = this.#last.then(() => {
      if (this.#isStopped) throw new Error(STOPPING);
      signal?.throwIfAborted();
      return act();
    }).finally(() => this.#pending--);
    this.#last = turn.catch(() => {});
    return await turn;
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when what was asked for until now is done. */
  async done(): Promise<void> {
    await this.#last;
  }
}
