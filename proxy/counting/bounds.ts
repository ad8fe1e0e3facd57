/**
 * The buckets of durations.
 *
 * @module
 */

/** Upper bounds, in milliseconds. */
export const BOUNDS_MS = [
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100],
  ...[250, 500, 1000, 2500, 5000, 10_000],
] as const;
