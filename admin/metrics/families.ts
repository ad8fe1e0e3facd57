/**
 * What a sidecar measures, under the names that Prometheus users expect:
 * base units, `_total` for what only grows, labels with few values.
 *
 * @module
 */
import type { Metrics } from "../../proxy/counting/metrics.ts";
import { BOUNDS_MS } from "../../proxy/counting/bounds.ts";
import { type Kind, KINDS, readSeries } from "../../proxy/counting/tally.ts";
import type { Family, Sample } from "./exposition.ts";
import { processFamilies } from "./process.ts";

/** When the scrape is, and what is scraped. */
export interface Scrape {
  readonly metrics: Metrics;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of Parley. */
  readonly version: string;
}

/** All metrics, with those too that have no series now. */
export function families(scrape: Scrape): Family[] {
  return [
    buildInfo(scrape),
    ...trafficFamilies(scrape),
    ...parserFamilies(scrape),
    ...policyFamilies(scrape),
    ...identityFamilies(scrape),
    ...workerFamilies(scrape),
    ...processFamilies(),
  ];
}

function buildInfo({ version }: Scrape): Family {
  return gauge(
    "parley_build_info",
    "The version of Parley, and of the runtime that it runs on.",
    [{ labels: { version, deno: Deno.version.deno }, value: 1 }],
  );
}

function trafficFamilies({ metrics }: Scrape): Family[] {
  const samples = samplesOf(metrics);
  const of = (kind: Kind) => samples[kind] ?? [];
  return [
    counter(
      "parley_requests_total",
      "Requests by what was decided; policy is the document of the rule, empty where none matched.",
      of("requests"),
    ),
    {
      name: "parley_request_duration_seconds",
      type: "histogram",
      help:
        "From a request's arrival to the end of its reply, or to its denial; requests without a reply of their own count as answered at once.",
      samples: histogram(of("duration"), of("durationSum")),
    },
    gauge(
      "parley_listener_up",
      "1 while connections can come in at a listener.",
      metrics.listeners.map(({ name, state }) => {
        return { labels: { listener: name }, value: state === "up" ? 1 : 0 };
      }),
    ),
    gauge("parley_connections", "Open connections.", [
      plain(metrics.connections),
    ]),
    counter(
      "parley_connections_opened_total",
      "Connections that were accepted, those among them that were denied at once.",
      of("opened"),
    ),
    counter(
      "parley_connections_denied_total",
      "Connections that a policy, or a limit, has denied or ended.",
      of("denied"),
    ),
    counter(
      "parley_connections_failed_total",
      "Connections that Parley ended for an error: a panic, bytes that were not understood, memory.",
      of("failed"),
    ),
    counter(
      "parley_connections_ended_total",
      "Connections that are over, by their end as the access log has it.",
      of("ended"),
    ),
    counter(
      "parley_connection_bytes_total",
      "Bytes that were passed on: forward to the upstream, reply to the client.",
      of("bytes"),
    ),
    counter(
      "parley_log_lines_dropped_total",
      "Lines of the access log that its sink did not take in time.",
      [plain(metrics.linesDropped)],
    ),
  ];
}

/** The series of each kind, in an order that does not change. */
function samplesOf({ traffic }: Metrics): Partial<Record<Kind, Sample[]>> {
  const samples: Partial<Record<Kind, Sample[]>> = {};
  // Sorted by their names they are so by their labels, as people read them.
  const sorted = traffic.toSorted(([a], [b]) => a < b ? -1 : 1);
  for (const [series, value] of sorted) {
    const read = readSeries(series);
    if (!read) continue;
    const labels = KINDS[read.kind].map((name, i) => [name, read.labels[i]!]);
    (samples[read.kind] ??= []).push({
      labels: Object.fromEntries(labels),
      value,
    });
  }
  return samples;
}

function keyOf({ labels }: Sample): string {
  return Object.values(labels).join("|");
}

/** Buckets are counted each for itself, and shown with all that are below. */
function histogram(
  buckets: readonly Sample[],
  totals: readonly Sample[],
): Sample[] {
  const sums = new Map(totals.map((sum) => [keyOf(sum), sum.value]));
  const groups = Map.groupBy(
    buckets,
    ({ labels: { l7proto, verdict } }) => `${l7proto}|${verdict}`,
  );
  return [...groups].flatMap(([key, group]) => {
    const { l7proto, verdict } = group[0]!.labels as Record<string, string>;
    const labels = { l7proto: l7proto!, verdict: verdict! };
    const counts = new Map(
      group.map(({ labels: { bucket }, value }) => [Number(bucket), value]),
    );
    let count = 0;
    const cumulative = [...BOUNDS_MS, Infinity].map((bound, i): Sample => {
      count += counts.get(i) ?? 0;
      const le = bound === Infinity ? "+Inf" : String(bound / 1000);
      return { suffix: "_bucket", labels: { ...labels, le }, value: count };
    });
    const sum = (sums.get(key) ?? 0) / 1000;
    return [
      ...cumulative,
      { suffix: "_sum", labels, value: sum },
      { suffix: "_count", labels, value: count },
    ];
  });
}

function parserFamilies({ metrics: { parsers, reloads } }: Scrape): Family[] {
  const versions = parsers.flatMap(({ name, versions }) =>
    versions.map((version) => {
      const labels = { parser: name, version: version.version };
      return { ...version, labels };
    })
  );
  const panics = parsers.map(({ name, versions }): Sample => {
    const value = versions.reduce((sum, { panics }) => sum + panics, 0);
    return { labels: { parser: name }, value };
  });
  return [
    counter(
      "parley_parser_panics_total",
      "Connections that a parser ended by throwing, or by taking too long.",
      panics,
    ),
    counter(
      "parley_parser_reloads_total",
      "What became of parsers that were read: loaded, refused, removed, or withdrawn after panics.",
      reloads.map(({ parser, result, count }) => {
        return { labels: { parser, result }, value: count };
      }),
    ),
    gauge(
      "parley_parser_version_info",
      "Versions of parsers that matter now, and what each of them is.",
      versions.map(({ labels, state }) => {
        return { labels: { ...labels, state }, value: 1 };
      }),
    ),
    gauge(
      "parley_parser_connections",
      "Open connections by the version that reads them.",
      versions.map(({ labels, connections }) => {
        return { labels, value: connections };
      }),
    ),
  ];
}

const DOCUMENT_STATES = ["applied", "kept-last-good", "refused"] as const;

function policyFamilies({ metrics: { policy }, now }: Scrape): Family[] {
  return [
    gauge(
      "parley_policy_version",
      "The policy in force; each other one has the next number.",
      [plain(policy.version)],
    ),
    gauge(
      "parley_policy_age_seconds",
      "How long it has been in force.",
      policy.since === ""
        ? []
        : [plain(seconds(now - Date.parse(policy.since)))],
    ),
    gauge(
      "parley_policy_documents",
      "Documents by what became of them.",
      DOCUMENT_STATES.map((state) => {
        const those = policy.documents.filter(({ status }) => status === state);
        return { labels: { state }, value: those.length };
      }),
    ),
    gauge(
      "parley_policy_unreadable",
      "1 when the policy files could not be read at the last try.",
      [plain(policy.error === undefined ? 0 : 1)],
    ),
  ];
}

function identityFamilies({ metrics: { identities } }: Scrape): Family[] {
  return [
    gauge(
      "parley_identity_source_live",
      "1 while a source of identities can be followed, 0 while it is lost or starts.",
      identities.map(({ name, state }) => {
        return { labels: { source: name }, value: state === "live" ? 1 : 0 };
      }),
    ),
    gauge(
      "parley_identity_source_age_seconds",
      "How long ago what a source knows was last known to be true.",
      identities.flatMap(({ name, ageMs }) =>
        ageMs === undefined
          ? []
          : [{ labels: { source: name }, value: seconds(ageMs) }]
      ),
    ),
  ];
}

function workerFamilies(
  { metrics: { workers, workerDeaths } }: Scrape,
): Family[] {
  const each = (
    value: (worker: Metrics["workers"][number]) => number | undefined,
  ) =>
    workers.flatMap((worker): Sample[] => {
      const measured = value(worker);
      return measured === undefined
        ? []
        : [{ labels: { worker: String(worker.number) }, value: measured }];
    });
  return [
    counter(
      "parley_worker_deaths_total",
      "Workers that ended and were not meant to, with the connections that they held.",
      [plain(workerDeaths)],
    ),
    gauge(
      "parley_worker_event_loop_lag_seconds",
      "How late a worker's event loop was at most, in the last second or two.",
      each(({ lag }) => seconds(lag)),
    ),
    counter(
      "parley_worker_cpu_seconds_total",
      "Processor time that a worker has used.",
      each(({ cpu }) => cpu === undefined ? undefined : seconds(cpu)),
    ),
    gauge(
      "parley_worker_resident_bytes",
      "Memory that a worker has for itself: resident, and no file's.",
      each(({ resident }) => resident),
    ),
  ];
}

function seconds(ms: number): number {
  return ms / 1000;
}

function plain(value: number): Sample {
  return { labels: {}, value };
}

function counter(
  name: string,
  help: string,
  samples: readonly Sample[],
): Family {
  return { name, type: "counter", help, samples };
}

function gauge(
  name: string,
  help: string,
  samples: readonly Sample[],
): Family {
  return { name, type: "gauge", help, samples };
}
