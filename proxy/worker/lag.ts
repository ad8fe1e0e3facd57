/**
 * How late the event loop is: by the timers that come again and again, which
 * are due at a tick of the wheel.
 *
 * @module
 */
import { TICK_MS } from "../transport/epoll/timers.ts";

/** A deadline at a tick, at or after a moment. */
export function atTick(moment: number): number {
  return Math.ceil(moment / TICK_MS) * TICK_MS;
}

/** The longest of the last two spans. */
export class Lag {
  #before = 0;
  #now = 0;

  /** A timer was so many milliseconds late. */
  note(late: number): void {
    this.#now = Math.max(this.#now, late);
  }

  /** A span is over. */
  turn(): void {
    this.#before = this.#now;
    this.#now = 0;
  }

  /** Milliseconds. */
  get most(): number {
    return Math.max(this.#before, this.#now);
  }
}
