/**
 * What all workers have counted, those that are gone too: no number goes back
 * when one ends, and none counts twice when another takes over.
 *
 * A worker that ends in order says its last word before. One that is killed is
 * taken at the word before that, which is a second old at most.
 *
 * @module
 */
import type { Counters } from "../control/messages.ts";
import { type Count, SERIES_MAX, Tally } from "../counting/tally.ts";
import { type VersionCount, VersionCounts } from "../versions.ts";

/** Of all workers together, who count under the same names: more than they can honestly have. What is beyond is counted as `other`. */
const BURIED_MAX = 2 * SERIES_MAX;
const SUMS_MAX = 2 * BURIED_MAX;
/** Likewise, of versions that had panics. */
const VERSIONS_MAX = 1_000;

/** Sums over workers. */
export class Totals {
  readonly #live: () => Iterable<{ readonly counters: Counters }>;
  // Of those that are gone.
  readonly #versions = new VersionCounts(VERSIONS_MAX);
  readonly #traffic = new Tally(BURIED_MAX);
  #linesDropped = 0;

  /** @param live those that are not buried */
  constructor(live: () => Iterable<{ readonly counters: Counters }>) {
    this.#live = live;
  }

  /** A worker is gone; this was its last word. */
  bury({ versions, traffic, linesDropped }: Counters): void {
    for (const count of versions) {
      if (count.panics > 0) this.#versions.add({ ...count, connections: 0 });
    }
    this.#traffic.add(traffic);
    this.#linesDropped += linesDropped;
  }

  versions(): VersionCount[] {
    const sums = new VersionCounts();
    for (const count of this.#versions.all) sums.add(count);
    for (const { counters } of this.#live()) {
      for (const count of counters.versions) sums.add(count);
    }
    return sums.all;
  }

  traffic(): Count[] {
    const sums = new Tally(SUMS_MAX);
    sums.add(this.#traffic.counts);
    for (const { counters } of this.#live()) sums.add(counters.traffic);
    return sums.counts;
  }

  /** Lines of the access log. */
  linesDropped(): number {
    let sum = this.#linesDropped;
    for (const { counters } of this.#live()) sum += counters.linesDropped;
    return sum;
  }
}
