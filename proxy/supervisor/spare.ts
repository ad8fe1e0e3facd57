/**
 * A process that is started before it is needed: who has just saved a parser
 * saves it again soon, and a worker that seems to hang may have to be replaced.
 * Most of what either waits for is the start of a process.
 *
 * @module
 */

/** A spare takes memory: it is given up when it was not needed for so long. */
const KEPT_MS = 20_000;

/** What may wait to be needed. */
export interface Sparable extends AsyncDisposable {
  /** The process has ended. */
  readonly isOver: boolean;
}

/** At most one process that nobody uses yet. */
export class Spare<Process extends Sparable> {
  readonly #open: () => Process;
  #spare: Process | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param open starts a process */
  constructor(open: () => Process) {
    this.#open = open;
  }

  /** The spare, or a new one; the caller's from now on. */
  take(): Process {
    const spare = this.#spare;
    this.#forget();
    return spare && !spare.isOver ? spare : this.#open();
  }

  /** Starts one for the next time. */
  prepare(): void {
    if (this.#spare?.isOver) this.#forget();
    this.#spare ??= this.#open();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.drop(), KEPT_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Ends it; resolves when it is gone. */
  async drop(): Promise<void> {
    const spare = this.#spare;
    this.#forget();
    await spare?.[Symbol.asyncDispose]();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#spare = undefined;
  }
}
