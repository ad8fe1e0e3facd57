/**
 * How far a replica has followed the cluster, and how long ago it heard of each
 * collection last. No I/O: what was heard comes in.
 *
 * @module
 */
import {
  type ClusterVersions,
  compareVersions,
  isVersion,
  type Span,
} from "../../policy/cluster_versions.ts";
import type { Progress } from "../client/follow.ts";

/**
 * Whoever heard nothing for so long does not know the cluster any more. Where
 * all is well, every collection is heard of within half of that: a watch that
 * says nothing ends in two minutes, and is followed by a list.
 */
export const STALE_MS = 4 * 60_000;

/** One watch of a collection. */
interface Watch {
  heard: number;
  newest?: string;
  complete?: string;
}

export class Watched {
  readonly #now: () => number;
  readonly #watches = new Map<string, Set<Watch>>();
  #versions: ClusterVersions | undefined;

  /** @param now milliseconds of a clock that goes on evenly */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Another watch of a collection, until it is disposed of; several may see a part of it each. */
  watch(collection: string): Progress & Disposable {
    const watches = this.#watches.get(collection) ?? new Set();
    const watch: Watch = { heard: this.#now() };
    this.#watches.set(collection, watches.add(watch));
    const hear = () => {
      watch.heard = this.#now();
      this.#versions = undefined;
    };
    return {
      reads(version) {
        const { newest = version } = watch;
        watch.newest = compareVersions(newest, version) < 0 ? version : newest;
        hear();
      },
      has(version) {
        const { newest = version } = watch;
        watch.newest = compareVersions(newest, version) < 0 ? newest : version;
        watch.complete = version;
        hear();
      },
      [Symbol.dispose]: () => {
        watches.delete(watch);
        if (watches.size === 0) this.#watches.delete(collection);
        this.#versions = undefined;
      },
    };
  }

  /** What a state of this moment has in it; of collections with versions that cannot be compared, nothing. */
  get versions(): ClusterVersions {
    return this.#versions ??= Object.fromEntries(
      [...this.#watches].flatMap(([collection, watches]) => {
        const span = spanOf([...watches]);
        return span ? [[collection, span]] : [];
      }),
    );
  }

  /** How long ago each collection was heard of last, in milliseconds. */
  get ages(): Readonly<Record<string, number>> {
    const now = this.#now();
    return Object.fromEntries(
      [...this.#watches].map(([collection, watches]) => [
        collection,
        now - Math.min(...[...watches].map(({ heard }) => heard)),
      ]),
    );
  }

  /** What was not heard of for too long, as `pods, for 200 s`; nothing if there is none. */
  get stale(): string | undefined {
    const [oldest] = Object.entries(this.ages).sort(([, a], [, b]) => b - a);
    if (!oldest || oldest[1] <= STALE_MS) return undefined;
    const [collection, age] = oldest;
    return `${collection}, for ${Math.round(age / 1000)} s`;
  }
}

/** What all of several parts have in them. */
function spanOf(parts: readonly Watch[]): Span | undefined {
  const newest = parts.map(({ newest = "" }) => newest).sort(compareVersions);
  const complete = parts.map(({ complete = "" }) => complete)
    .sort(compareVersions);
  return [...newest, ...complete].every(isVersion)
    ? [newest.at(-1)!, complete[0]!]
    : undefined;
}
