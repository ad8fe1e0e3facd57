/**
 * Metrics as Prometheus reads them: the text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * @module
 */

/** What a scraper is told. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A metric, with all its series. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One line. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string;
}

/** The text of some metrics, in their order. */
export function exposition(families: readonly Family[]): string {
  return families.map(familyText).join("");
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = samples.map(({ suffix = "", labels, value }) =>
    `${name}${suffix}${labelsText(labels)} ${valueText(value)}\n`
  );
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n` +
    lines.join("");
}

function labelsText(labels: Sample["labels"]): string {
  const pairs = Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function valueText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

/** A sample as a reader finds it. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of a text that {@linkcode exposition} has made. @throws {SyntaxError} for any other line */
export function readExposition(text: string): ReadSample[] {
  return text.split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(readSample);
}

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)/gsy;

function readSample(line: string): ReadSample {
  const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
  const read = [...labels.matchAll(LABEL)];
  const length = read.reduce((sum, [text]) => sum + text.length, 0);
  if (name === undefined || length !== labels.length) {
    throw new SyntaxError(`this line is no sample: ${JSON.stringify(line)}`);
  }
  return {
    name,
    labels: Object.fromEntries(read.map(([, key, text]) => {
      return [key, unescapeLabel(text!)];
    })),
    value: Number(value!.replace(/Inf$/, "Infinity")),
  };
}

function unescapeLabel(text: string): string {
  return text.replace(/\\(.)/gs, (_, letter) => letter === "n" ? "\n" : letter);
}
