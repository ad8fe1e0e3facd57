/**
 * How much of a cluster's history a state has in it: for each collection of
 * objects, two of the API server's resource versions. They are whole numbers
 * that grow, and those of one collection may be compared
 * (https://kep.k8s.io/5504; so it has been with every API server on etcd).
 *
 * @module
 */
import { z } from "zod";

/**
 * Of one collection: no change after `newest` is in the state, and every change
 * up to `complete` is.
 */
export type Span = readonly [newest: string, complete: string];

/** By collection, as the controller names it. */
export type ClusterVersions = Readonly<Record<string, Span>>;

/** At most 128 bits, which take 39 digits. */
const VERSION = /^[1-9]\d{0,38}$/;

/** Whether it is one that can be compared. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

const version = z.string().regex(VERSION);

export const clusterVersions = z.record(
  z.string().regex(/^[A-Za-z]{1,63}$/),
  z.tuple([version, version]),
);

/** Negative if the first one is earlier, 0 if they are the same. Both are versions. */
export function compareVersions(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

/**
 * Collections of which a state may lack what another one has in it. One that
 * either of them does not know says nothing.
 */
export function olderIn(
  state: ClusterVersions,
  other: ClusterVersions,
): string[] {
  return Object.entries(state).flatMap(([name, [, complete]]) => {
    const newest = other[name]?.[0];
    return newest !== undefined && compareVersions(complete, newest) < 0
      ? [name]
      : [];
  });
}
