/**
 * What the controller counts, as metrics.
 *
 * @module
 */
import { byLabel, gauge } from "../metrics.ts";
import type { ReportCounts } from "./reporter.ts";
import type { SidecarServerCounts } from "./stream/server.ts";

export interface Counted {
  readonly isLeader: boolean;
  readonly isSynced: boolean;
  /** Milliseconds since the API server said something, by collection. */
  readonly ages: Readonly<Record<string, number>>;
  readonly report: ReportCounts;
  /** Nothing before there is a server. */
  readonly streams: SidecarServerCounts | undefined;
}

const PREFIX = "parley_controller_";

export function families(
  { isLeader, isSynced, ages, report, streams }: Counted,
) {
  const seconds = Object.entries(ages)
    .map(([collection, ms]) => [collection, ms / 1000]);
  return [
    gauge(
      `${PREFIX}leader`,
      "Whether this replica writes statuses and events.",
      Number(isLeader),
    ),
    gauge(
      `${PREFIX}synced`,
      "Whether all of the cluster is known.",
      Number(isSynced),
    ),
    byLabel(
      `${PREFIX}watch_age_seconds`,
      "gauge",
      "How long ago the API server said something of a collection.",
      "collection",
      Object.fromEntries(seconds),
    ),
    byLabel(
      `${PREFIX}policies`,
      "gauge",
      "Policies that are followed, by whether they load.",
      "accepted",
      { true: report.policies.accepted, false: report.policies.refused },
    ),
    byLabel(
      `${PREFIX}pods`,
      "gauge",
      "Pods of the cluster, by whether they have a sidecar.",
      "injected",
      { true: report.pods.injected, false: report.pods.bare },
    ),
    gauge(
      `${PREFIX}pods_must_restart`,
      "Pods that do not redirect a port that a policy needs, or have no sidecar although a policy selects them.",
      report.mustRestart,
    ),
    gauge(
      `${PREFIX}pods_not_injected`,
      "Pods without a sidecar although one is asked for.",
      report.notInjected,
    ),
    byLabel(
      `${PREFIX}status_writes_total`,
      "counter",
      "Statuses of policies that were written, or could not be.",
      "result",
      { ok: report.statusesWritten, failed: report.statusesFailed },
    ),
    ...(streams
      ? [
        gauge(
          `${PREFIX}streams`,
          "Sidecars that are being told.",
          streams.streams,
        ),
        byLabel(
          `${PREFIX}streams_refused_total`,
          "counter",
          "Requests of sidecars that were refused, by reason.",
          "reason",
          streams.refused,
        ),
        {
          name: `${PREFIX}stream_bytes_total`,
          type: "counter" as const,
          help: "Bytes that were sent to sidecars.",
          samples: [{ labels: {}, value: streams.bytes }],
        },
      ]
      : []),
  ];
}
