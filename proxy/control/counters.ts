/**
 * Counters as they come from a worker. Parser code may have got hold of it: what
 * it sends is checked before the supervisor counts on it.
 *
 * @module
 */
import type { VersionCount } from "../versions.ts";
import type { Counters } from "./messages.ts";

/** A worker has not had more versions; more are none. */
const VERSIONS_MAX = 10_000;
/** Of a parser's name or version. */
const TEXT_MAX = 256;

/** The counters. @throws {TypeError} when they are none */
export function readCounters(value: unknown): Counters {
  const { connections, accepted, linesDropped, versions, served } =
    value as Counters;
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
  };
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

function text(value: unknown): string {
  if (typeof value === "string" && value.length <= TEXT_MAX) return value;
  throw new TypeError("a version has no name");
}
