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
import { type Count, Tally } from "../counting/tally.ts";
import { type VersionCount, VersionCounts } from "../versions.ts";

/** More series than workers can honestly have; what one that lies adds is bounded. */
const SERIES_MAX = 100_000;
/** Likewise, of versions that had panics. */
const VERSIONS_MAX = 1_000;

/** Sums over workers. */
export class Totals {
  readonly #live: () => Iterable<{ readonly counters: Counters }>;
  // Of those that are gone.
  readonly #versions = new VersionCounts(VERSIONS_MAX);
  readonly #traffic = new Tally(SERIES_MAX);
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
    const sums = new Tally(2 * SERIES_MAX);
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
