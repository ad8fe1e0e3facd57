/**
 * The time of day without a system call for each request: that of the event
 * loop's turn.
 *
 * @module
 */
import type { Loop } from "../transport/epoll/loop.ts";

/** How often the time of day is asked for: it may be set anew while the loop's clock runs on. */
const ADJUST_MS = 1000;

/** Milliseconds since the epoch, with a fraction. */
export class WallClock {
  readonly #loop: Loop;
  readonly #date: DateConstructor["now"];
  #offset = 0;
  #adjustAt = -Infinity;

  /** @param date taken before the sandbox takes it away */
  constructor(loop: Loop, { now }: Pick<DateConstructor, "now">) {
    this.#loop = loop;
    this.#date = now;
  }

  now(): number {
    const monotonic = this.#loop.now;
    if (monotonic >= this.#adjustAt) this.#adjust(monotonic);
    return monotonic + this.#offset;
  }

  /** Follows the time of day where the two have parted; its own resolution is a millisecond. */
  #adjust(monotonic: number): void {
    this.#adjustAt = monotonic + ADJUST_MS;
    const offset = this.#date() - monotonic;
    if (Math.abs(offset - this.#offset) > 2) this.#offset = offset;
  }
}
