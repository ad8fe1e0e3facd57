/**
 * When requests were logged, for the latency of their replies. Parsers have no
 * clock: what they are given to keep is a number of a read, which tells them
 * nothing.
 *
 * @module
 */

/** Reads whose times are kept: a reply that comes later has no latency. */
const KEPT = 1024;

/** Tickets of another process, which a connection may bring along, are nobody's here. */
const FIRST_BELOW = 2 ** 40;

/** Of one connection. */
export class RequestTimes {
  readonly #times = new Float64Array(KEPT);
  /** Of the last read with a request. */
  #ticket = 1 + Math.floor(Math.random() * FIRST_BELOW);
  readonly #first = this.#ticket;

  /** A ticket for a request of that time, in milliseconds; the same for all of one read. */
  ticket(time: number): number {
    if (this.#times[this.#ticket % KEPT] !== time) {
      this.#ticket++;
      this.#times[this.#ticket % KEPT] = time;
    }
    return this.#ticket;
  }

  /** Milliseconds from a ticket's request to `time`, to the microsecond; nothing if it is not known any more. */
  since(ticket: unknown, time: number): number | undefined {
    const isKept = Number.isInteger(ticket) &&
      ticket as number > Math.max(this.#first, this.#ticket - KEPT) &&
      ticket as number <= this.#ticket;
    if (!isKept) return undefined;
    const before = this.#times[ticket as number % KEPT]!;
    return Math.max(0, Math.round((time - before) * 1000) / 1000);
  }
}
