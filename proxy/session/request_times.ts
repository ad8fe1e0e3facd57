/**
 * When the requests of a connection were read, for the latency of their
 * replies. Parsers have no clock: what they are given to keep is a ticket, the
 * number of a slot, which tells them nothing.
 *
 * Every request that was begun is counted once: when it is answered, or when
 * its connection ends.
 *
 * @module
 */
import type { Durations } from "../counting/durations.ts";

/** Requests that are open at a time; of further ones it is not known how long they take. */
const SLOTS = 1024;
/** A slot's tickets differ for so many requests; all of them are small integers. */
const TURNS = 2 ** 20;

/** An open request on its way to another process. */
export interface MovedRequest {
  readonly ticket: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly verdict: string;
}

/** Open requests of one connection. */
export class RequestTimes {
  // Two slots do for most connections; an empty array would grow to seventeen at once.
  readonly #times = [0.5, 0.5];
  readonly #durations: (Durations | undefined)[] = [undefined, undefined];
  /** Of the request in the slot; 0: none. */
  readonly #tickets = [0, 0];
  readonly #free = [1, 0];
  #turn = 0;
  #open = 0;

  /** Requests without an answer. */
  get open(): number {
    return this.#open;
  }

  /** A ticket for a request that was read at that time, in milliseconds; 0 if too many are open. */
  begin(time: number, durations: Durations): number {
    const slot = this.#free.pop() ?? this.#tickets.length;
    if (slot >= SLOTS) {
      durations.observeUnknown();
      return 0;
    }
    this.#turn = this.#turn + 1 < TURNS ? this.#turn + 1 : 1;
    const ticket = this.#turn * SLOTS + slot;
    this.#put(slot, ticket, time, durations);
    return ticket;
  }

  #put(slot: number, ticket: number, time: number, durations: Durations): void {
    this.#tickets[slot] = ticket;
    this.#times[slot] = time;
    this.#durations[slot] = durations;
    this.#open++;
  }

  /** Its request is answered: milliseconds since it was read, to the microsecond; nothing if it is none that is open. */
  end(ticket: unknown, time: number): number | undefined {
    if (typeof ticket !== "number" || ticket <= 0) return undefined;
    const slot = ticket % SLOTS;
    if (this.#tickets[slot] !== ticket) return undefined;
    const took = Math.round((time - this.#times[slot]!) * 1000) / 1000;
    const latency = took > 0 ? took : 0; // the clock may have been set back
    this.#durations[slot]!.observe(latency);
    this.#durations[slot] = undefined;
    this.#tickets[slot] = 0;
    this.#free.push(slot);
    this.#open--;
    return latency;
  }

  /** No answer will come any more. */
  endAll(time: number): void {
    for (const ticket of this.#tickets) this.end(ticket, time);
  }

  /** What another process has to know of the open ones. */
  toMove(): MovedRequest[] {
    return this.#tickets.flatMap((ticket, slot) => {
      if (ticket === 0) return [];
      const { verdict } = this.#durations[slot]!;
      return [{ ticket, time: this.#times[slot]!, verdict }];
    });
  }

  /** The open ones of another process, which keep their tickets. */
  static restore(
    moved: readonly MovedRequest[],
    durationsOf: (verdict: string) => Durations,
  ): RequestTimes {
    const times = new RequestTimes();
    const slots = moved.map(({ ticket }) => ticket % SLOTS);
    const taken = new Set(slots);
    times.#free.length = 0;
    for (let slot = Math.max(1, ...slots); slot >= 0; slot--) {
      times.#tickets[slot] = 0;
      times.#times[slot] = 0.5;
      times.#durations[slot] = undefined;
      if (!taken.has(slot)) times.#free.push(slot);
    }
    for (const { ticket, time, verdict } of moved) {
      times.#turn = Math.max(times.#turn, Math.floor(ticket / SLOTS));
      times.#put(ticket % SLOTS, ticket, time, durationsOf(verdict));
    }
    return times;
  }
}
