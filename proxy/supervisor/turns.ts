/**
 * One change at a time: an older reading of files never replaces a newer one.
 *
 * @module
 */

/** What is done in turn. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  /** Does it when all before it is done. @throws {Error} what it throws, or that nothing is done any more */
  take<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      if (this.#isStopped) throw new Error("the sidecar is stopping");
      return act();
    });
    this.#last = turn.catch(() => {});
    return turn;
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
