/**
 * The figures that Parley is judged by. Ratios are made within a round, where
 * both sides met the same machine; what counts is their median over the rounds.
 *
 * @module
 */
import type { Memory, StartSample } from "./footprint.ts";
import type { Sample } from "./measure.ts";
import type { ProxyName } from "./proxies.ts";
import { type ScenarioName, SCENARIOS } from "./scenarios.ts";

/** All that was measured. */
export interface Figures {
  readonly samples: readonly Sample[];
  readonly memory: readonly Memory[];
  readonly starts: readonly StartSample[];
}

/** What a figure has to stay at or below. */
export interface Bounds {
  readonly must: number;
  readonly aim: number;
}

/** A figure and how it is judged. */
export interface Judged {
  readonly title: string;
  /** Of the figure and its bounds; empty for ratios. */
  readonly unit: string;
  /** None: it is told for what it says. */
  readonly bounds?: Bounds;
  /** The median over the rounds; nothing if it was not measured. */
  readonly value: number | undefined;
  /** Of each round. */
  readonly values: readonly number[];
}

const KIB = 1024;
const MB = 1e6;

/** CPU time per request: one proxy's divided by another's, in a scenario. */
const CPU: readonly [ProxyName, ProxyName, ScenarioName, Bounds?][] = [
  ["passer", "floor", "sixteen", { must: 1.15, aim: 1.05 }],
  ["memcache", "floor", "sixteen", { must: 1.3, aim: 1.15 }],
  ["memcache", "haproxy", "sixteen", { must: 1.15, aim: 1 }],
  ["memcache", "envoy", "sixteen", { must: 0.95, aim: 0.8 }],
  ["memcache", "haproxy", "one", { must: 1, aim: 0.9 }],
  ["memcache", "haproxy", "pipelined", { must: 1.2, aim: 1 }],
  ["memcache", "haproxy", "large", { must: 0.55, aim: 0.45 }],
  ["memcache", "envoy", "large", { must: 0.85, aim: 0.7 }],
  ["memcache", "haproxy", "paced"],
  ["cassandra", "envoy", "executes", { must: 1, aim: 1 }],
  ["cassandra", "envoy", "streams", { must: 1, aim: 1 }],
  ["cassandra", "envoy", "queries", { must: 1, aim: 1 }],
  ["cassandra", "haproxy", "executes"],
];

/**
 * What memcache adds to the latency without a proxy, divided by what haproxy
 * adds. It is judged at a steady rate: in a closed loop the latency is the number
 * of connections divided by the throughput, and where the other core is what
 * limits that, haproxy adds next to nothing.
 */
const ADDED: readonly ["p50" | "p99", ScenarioName, Bounds?][] = [
  ["p50", "paced", { must: 1.1, aim: 0.95 }],
  ["p99", "paced", { must: 1.1, aim: 0.95 }],
  ["p50", "sixteen"],
  ["p99", "sixteen"],
];

const IDLE: Bounds = { must: 2, aim: 1 };
const AT_REST: Bounds = { must: 80, aim: 60 };
const START: Bounds = { must: 600, aim: 300 };

/** Every figure that is judged, in the order of the report. */
export function judge({ samples, memory, starts }: Figures): Judged[] {
  const isMemcache = isOf("memcache");
  const own = memory.filter(isMemcache);
  return [
    ...CPU.map(([proxy, to, scenario, bounds]) =>
      judged(
        `CPU per request, ${proxy} : ${to}, ${SCENARIOS[scenario].title}`,
        "",
        ratios(samples, scenario, (of) =>
          divide(of(proxy)?.cpuPerRequest, of(to)?.cpuPerRequest)),
        bounds,
      )
    ),
    ...ADDED.map(([quantile, scenario, bounds]) =>
      judged(
        `added latency ${quantile}, memcache : haproxy, ${
          SCENARIOS[scenario].title
        }`,
        "",
        ratios(samples, scenario, (of) => {
          const direct = of("direct")?.[quantile];
          return divide(
            subtract(of("memcache")?.[quantile], direct),
            subtract(of("haproxy")?.[quantile], direct),
          );
        }),
        bounds,
      )
    ),
    judged(
      "memory per idle connection",
      "KiB",
      own.map(({ perConnection }) => perConnection / KIB),
      IDLE,
    ),
    judged(
      "PSS at rest, all processes",
      "MB",
      own.map(({ atRest }) => atRest / MB),
      AT_REST,
    ),
    judged(
      "start to ready",
      "ms",
      starts.filter(isMemcache).map(({ ms }) => ms),
      START,
    ),
  ];
}

/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return undefined;
  if (!Number.isInteger(middle)) return sorted[Math.floor(middle)];
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function judged(
  title: string,
  unit: string,
  values: readonly number[],
  bounds: Bounds | undefined,
): Judged {
  const value = median(values);
  return { title, unit, ...(bounds ? { bounds } : {}), value, values };
}

/** The ratio of each round that has all it is made of. */
function ratios(
  samples: readonly Sample[],
  scenario: ScenarioName,
  ratio: (of: (proxy: ProxyName) => Sample | undefined) => number | undefined,
): number[] {
  const rounds = Map.groupBy(
    samples.filter((sample) => sample.scenario === scenario),
    ({ round }) => round,
  );
  return [...rounds.values()].flatMap((round) =>
    ratio((proxy) => round.find(isOf(proxy))) ?? []
  );
}

function isOf(name: ProxyName): (of: { proxy: ProxyName }) => boolean {
  return ({ proxy }) => proxy === name;
}

/** Nothing where it would say nothing: noise may make a proxy quicker than none. */
function divide(a?: number, b?: number): number | undefined {
  return a === undefined || b === undefined || b <= 0 ? undefined : a / b;
}

function subtract(a?: number, b?: number): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}
