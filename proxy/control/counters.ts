/**
 * Counters as they come from a worker. Parser code may have got hold of it: what
 * it sends is checked before the supervisor counts on it.
 *
 * @module
 */
import { type Count, readSeries } from "../counting/tally.ts";
import type { VersionCount } from "../versions.ts";
import type { Counters } from "./messages.ts";

/** A worker has not had more versions; more are none. */
const VERSIONS_MAX = 10_000;
/** Policies and protocols are bounded in a worker, and so are their series. */
const SERIES_MAX = 20_000;
/** Of a parser's name or version. */
const TEXT_MAX = 256;

/** The counters. @throws {TypeError} when they are none */
export function readCounters(value: unknown): Counters {
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
    traffic: readCounts(traffic),
    lag: amount(lag),
  };
}

/** What has passed. @throws {TypeError} when it is none */
export function readCounts(traffic: unknown): Count[] {
  if (!Array.isArray(traffic) || traffic.length > SERIES_MAX) {
    throw new TypeError("the counters do not say what has passed");
  }
  return traffic.map(readCount);
}

function readVersion(value: unknown): VersionCount {
  const { name, version, connections, panics } = value as VersionCount;
  return {
    name: text(name),
    version: text(version),
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

function text(value: unknown): string {
  if (typeof value === "string" && value.length <= TEXT_MAX) return value;
  throw new TypeError("a version has no name");
}
