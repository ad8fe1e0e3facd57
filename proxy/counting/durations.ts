/**
 * How long requests took, in buckets.
 *
 * @module
 */
import { BOUNDS_MS } from "./bounds.ts";
import type { Cell, Tally } from "./tally.ts";

/** Of the requests of one protocol and verdict. */
export class Durations {
  readonly verdict: string;
  readonly #buckets: readonly Cell[];
  readonly #sum: Cell;

  constructor(tally: Tally, l7proto: string, verdict: string) {
    this.verdict = verdict;
    this.#buckets = Array.from(
      { length: BOUNDS_MS.length + 1 },
      (_, bucket) => tally.cell("duration", l7proto, verdict, String(bucket)),
    );
    this.#sum = tally.cell("durationSum", l7proto, verdict);
  }

  /** One that took so many milliseconds. */
  observe(ms: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && ms > BOUNDS_MS[bucket]!) bucket++;
    this.#buckets[bucket]!.value++;
    this.#sum.value += ms;
  }

  /** One of which it is not known how long it took: it counts as long. */
  observeUnknown(): void {
    this.#buckets[BOUNDS_MS.length]!.value++;
  }
}
