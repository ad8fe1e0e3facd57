/**
 * The figures as Markdown.
 *
 * @module
 */
import type { Memory, StartSample } from "./footprint.ts";
import type { Sample } from "./measure.ts";
import type { Disturbance } from "./neighbours.ts";
import { PROXIES, type ProxyName } from "./proxies.ts";
import { type Figures, judge, type Judged, median } from "./ratios.ts";
import { IDLE_CONNECTIONS, type Scenario } from "./scenarios.ts";

/** Of the cores' time, taken by others. */
const TOO_MUCH = 0.05;

/** The report of a run. `partly`: what was not measured was not asked for. */
export function report(
  figures: Figures,
  scenarios: readonly Scenario[],
  missing: ReadonlyMap<ProxyName, string>,
  partly: boolean,
): string {
  const judged = judge(figures);
  return [
    ...[...missing].map(([name, reason]) => `${name}: skipped, ${reason}`),
    ...(figures.samples.length > 0 ? scenarios : []).map((scenario) =>
      loadSection(
        scenario.title,
        figures.samples.filter((sample) => sample.scenario === scenario.name),
      )
    ),
    footprintSection(figures.memory, figures.starts),
    judgedSection(partly ? judged.filter(isMeasured) : judged),
    ...lostSection(figures.samples),
  ].filter((section) => section !== "").join("\n\n");
}

/** The report of a long run at a steady rate. */
export function tailReport(samples: readonly Sample[], title: string): string {
  const rows = samples.map((sample) => [
    titleOf(sample.proxy),
    ...[sample.perSecond, sample.p50, sample.p99, sample.p999, sample.p9999]
      .concat(sample.max).map(whole),
  ]);
  const head = ["proxy", "requests/s", "p50 µs", "p99", "p99.9", "p99.99"];
  return [
    section(title, [...head, "max"], rows),
    ...lostSection(samples),
  ].join("\n\n");
}

/** Whether the figures can be trusted. */
export function disturbanceReport({ others, stolen }: Disturbance): string {
  const text = `Meanwhile other processes used ${
    whole(others * 100)
  } % of all cores, the hypervisor ${whole(stolen * 100)} %`;
  return others + stolen > TOO_MUCH
    ? `\n**${text}: latencies and requests/s mean little.**`
    : `\n${text}.`;
}

/** Medians over the rounds. */
function loadSection(title: string, samples: readonly Sample[]): string {
  const rows = PROXIES.flatMap(({ name }) => {
    const own = samples.filter(({ proxy }) => proxy === name);
    if (own.length === 0) return [];
    const middle = (of: (sample: Sample) => number) => median(own.map(of));
    const proxied = name !== "direct";
    return [[
      titleOf(name),
      whole(middle(({ perSecond }) => perSecond)),
      whole(middle(({ p50 }) => p50)),
      whole(middle(({ p99 }) => p99)),
      whole(middle(({ p999 }) => p999)),
      fixed(proxied ? middle((one) => one.cpuPerRequest) : undefined, 2),
      whole(proxied ? middle((one) => one.cpuShare * 100) : undefined),
    ]];
  });
  const head = ["proxy", "requests/s", "p50 µs", "p99 µs", "p99.9 µs"];
  return section(title, [...head, "CPU µs/request", "core used %"], rows);
}

function footprintSection(
  memory: readonly Memory[],
  starts: readonly StartSample[],
): string {
  const rows = PROXIES.flatMap(({ name }) => {
    const own = memory.find(({ proxy }) => proxy === name);
    const ms = starts.filter(({ proxy }) => proxy === name).map((one) =>
      one.ms
    );
    if (!own && ms.length === 0) return [];
    return [[
      titleOf(name),
      fixed(own && own.atRest / 1e6, 1),
      fixed(own && own.withIdle / 1e6, 1),
      fixed(own && own.perConnection / 1024, 2),
      whole(median(ms)),
    ]];
  });
  if (rows.length === 0) return "";
  return section("Memory (PSS of all processes) and start", [
    "proxy",
    "at rest MB",
    `with ${IDLE_CONNECTIONS} idle connections MB`,
    "KiB per idle connection",
    "start to ready ms",
  ], rows);
}

function judgedSection(all: readonly Judged[]): string {
  if (all.length === 0) return "";
  const rows = all.map((one) => [
    one.title,
    number(one.value, one.unit),
    range(one),
    number(one.bounds?.must, one.unit, "≤ "),
    number(one.bounds?.aim, one.unit, "≤ "),
    outcome(one),
  ]);
  const head = ["figure", "median", "rounds", "must", "aim", ""];
  return section("What is judged", head, rows);
}

function isMeasured({ value }: Judged): boolean {
  return value !== undefined;
}

/** How far the rounds lie apart. */
function range({ values, unit }: Judged): string {
  if (values.length < 2) return "";
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${number(least, unit)} – ${number(most, unit)}`;
}

function outcome({ value, bounds }: Judged): string {
  if (value === undefined || bounds === undefined) return "";
  if (value <= bounds.aim) return "aim met";
  return value <= bounds.must ? "met" : "**missed**";
}

function lostSection(samples: readonly Sample[]): string[] {
  const lost = samples.reduce((sum, one) => sum + one.lostLines, 0);
  if (lost === 0) return [];
  return [`**${lost} access-log lines were lost**: the figures are too good.`];
}

function section(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
      ).join(" | ")
    } |`;
  const rule = widths.map((width, i) =>
    "-".repeat(width - 1) + (i ? ":" : "-")
  );
  return [`## ${title}`, "", line(head), line(rule), ...rows.map(line)]
    .join("\n");
}

function titleOf(name: ProxyName): string {
  return PROXIES.find((kind) => kind.name === name)!.title;
}

function number(value: number | undefined, unit: string, before = ""): string {
  if (value === undefined) return "–";
  const text = unit === "ms" ? whole(value) : fixed(value, 2);
  return `${before}${text}${unit && ` ${unit}`}`;
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? "–" : value.toFixed(digits);
}

function whole(value: number | undefined): string {
  return value === undefined ? "–" : Math.round(value).toLocaleString("en-US");
}
