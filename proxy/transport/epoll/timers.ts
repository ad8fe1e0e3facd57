/**
 * Deadlines of many connections at the cost of a few: a timer wheel (Varghese
 * and Lauck, 1987). Setting one costs nothing but its place in a slot's list.
 *
 * @module
 */

/** How late a deadline may be noticed. */
export const TICK_MS = 20;
/** Deadlines further away are looked at once in a turn of the wheel. */
const SLOTS = 512;

/** Something with a deadline; it stands in one wheel at most. */
export interface Timed {
  /** When, in milliseconds of the wheel's clock; the wheel reads it, its owner may change it at any time. */
  deadline: number;
  /** Called at the deadline or up to a tick later. It is in no wheel then. */
  expire(now: number): void;
  /** The wheel's: the list that it is in. */
  slot: Set<Timed> | undefined;
}

/** Timers, without a clock of its own. */
export class TimerWheel {
  readonly #slots: Set<Timed>[] = Array.from(
    { length: SLOTS },
    () => new Set(),
  );
  /** The number of the tick that was looked at last. */
  #tick: number;
  /** No slot before this tick has a timer. */
  #next = Infinity;

  /** @param now where the clock stands, in milliseconds */
  constructor(now: number) {
    this.#tick = Math.floor(now / TICK_MS);
  }

  /** Adds a timer, or moves it if its deadline has come nearer; a later deadline needs no call. */
  add(timed: Timed): void {
    this.remove(timed);
    const due = Math.ceil(timed.deadline / TICK_MS);
    const tick = Math.min(
      Math.max(due, this.#tick + 1),
      this.#tick + SLOTS - 1,
    );
    const slot = this.#slots[tick % SLOTS]!;
    slot.add(timed);
    timed.slot = slot;
    if (tick < this.#next) this.#next = tick;
  }

  remove(timed: Timed): void {
    timed.slot?.delete(timed);
    timed.slot = undefined;
  }

  /** Lets expire what is due. */
  advance(now: number): void {
    const target = Math.floor(now / TICK_MS);
    if (target < this.#next) {
      this.#tick = target;
      return;
    }
    // After a long pause one turn of the wheel sees every slot.
    const last = Math.min(target, this.#tick + SLOTS);
    for (
      let tick = Math.max(this.#next, this.#tick + 1);
      tick <= last;
      tick++
    ) {
      this.#expire(this.#slots[tick % SLOTS]!, target, now);
    }
    this.#tick = target;
    this.#next = this.#earliest();
  }

  /** Milliseconds until there may be something to do; -1: never. */
  wait(now: number): number {
    if (this.#next === Infinity) return -1;
    return Math.max(0, Math.ceil(this.#next * TICK_MS - now));
  }

  #expire(slot: Set<Timed>, tick: number, now: number): void {
    if (slot.size === 0) return;
    const due = [...slot];
    this.#tick = tick; // what is set meanwhile is after that
    for (const timed of due) {
      if (timed.slot !== slot) continue; // removed by one before it
      this.remove(timed);
      if (timed.deadline > now) this.add(timed);
      else timed.expire(now);
    }
  }

  #earliest(): number {
    for (let tick = this.#tick + 1; tick <= this.#tick + SLOTS; tick++) {
      if (this.#slots[tick % SLOTS]!.size > 0) return tick;
    }
    return Infinity;
  }
}
