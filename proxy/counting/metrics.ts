/**
 * All that a sidecar measures, as it stands at one moment.
 *
 * @module
 */
import type { SidecarStatus } from "../administered.ts";
import type { ReloadCount } from "../registry/history.ts";
import type { Count } from "./tally.ts";

/** What is shown as metrics. */
export interface Metrics extends SidecarStatus {
  /** What has passed; no number of it ever goes back. */
  readonly traffic: readonly Count[];
  /** Open now. */
  readonly connections: number;
  /** Lines of the access log, ever. */
  readonly linesDropped: number;
  readonly reloads: readonly ReloadCount[];
  readonly workers: readonly WorkerUsage[];
  /** Workers that ended and were not meant to, ever. */
  readonly workerDeaths: number;
}

/** What a worker takes. */
export interface WorkerUsage {
  /** Of this start, over all workers. */
  readonly number: number;
  /** Milliseconds that its event loop was late at most, in the last second or two. */
  readonly lag: number;
  /** Milliseconds of processor time; absent if the process is just gone. */
  readonly cpu?: number;
  /** Bytes of memory that it has for itself. */
  readonly resident?: number;
}
