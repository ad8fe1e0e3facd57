/**
 * Counters as they come from a worker. Parser code may have got hold of it: what
 * it sends is checked before the supervisor counts on it.
 *
 * @module
 */
import {
  type Count,
  readSeries,
  SERIES_MAX,
  Tally,
} from "../counting/tally.ts";
import type { VersionCount } from "../versions.ts";
import type { Counters } from "./messages.ts";

/** A worker has not had more versions; more are none. */
const VERSIONS_MAX = 10_000;
/** Series that are looked at; a worker keeps far fewer apart. */
const COUNTS_MAX = 10 * SERIES_MAX;
/** A parser's name or version. */
const WORD = /^[\w.-]{1,256}$/;

/**
 * The counters.
 *
 * @param beyond called when there are more series than a worker keeps apart
 * @throws {TypeError} when they are none
 */
export function readCounters(value: unknown, beyond?: () => void): Counters {
  const { connections, accepted, linesDropped, versions, served } =
    value as Counters;
  const { traffic, lag } = value as Counters;
  if (!Array.isArray(versions) || versions.length > VERSIONS_MAX) {
    throw new TypeError("the counters have no versions");
  }
  if (!Array.isArray(served) || served.length > VERSIONS_MAX) {
    throw new TypeError("the counters do not say what has served");
  }
  return {
    connections: count(connections),
    accepted: count(accepted),
    linesDropped: count(linesDropped),
    versions: versions.map(readVersion),
    served: served.map(count),
    traffic: readCounts(traffic, beyond),
    lag: amount(lag),
  };
}

/** What has passed; see {@linkcode readCounters}. @throws {TypeError} when it is none */
export function readCounts(traffic: unknown, beyond?: () => void): Count[] {
  if (!Array.isArray(traffic) || traffic.length > COUNTS_MAX) {
    throw new TypeError("the counters do not say what has passed");
  }
  const counts = traffic.map(readCount);
  if (counts.length <= SERIES_MAX) return counts;
  const tally = new Tally(SERIES_MAX);
  tally.add(counts);
  if (tally.isFull) beyond?.();
  return tally.counts;
}

function readVersion(value: unknown): VersionCount {
  const { name, version, connections, panics } = value as VersionCount;
  return {
    name: word(name),
    version: word(version),
    connections: count(connections),
    panics: count(panics),
  };
}

function count(value: unknown): number {
  if (Number.isSafeInteger(value) && value as number >= 0) {
    return value as number;
  }
  throw new TypeError("a counter is no number");
}

function readCount(value: unknown): Count {
  const [series, counted] = value as Count;
  if (typeof series !== "string" || !readSeries(series)) {
    throw new TypeError("a series is none");
  }
  return [series, amount(counted)];
}

/** A number that need not be whole. */
function amount(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= AMOUNT_MAX) {
    return value;
  }
  throw new TypeError("an amount is no number");
}

const AMOUNT_MAX = Number.MAX_SAFE_INTEGER;

function word(value: unknown): string {
  if (typeof value === "string" && WORD.test(value)) return value;
  throw new TypeError("a version has no name");
}
