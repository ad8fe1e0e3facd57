/**
 * Numbers that only grow, by name and labels. Whoever counts often keeps a
 * cell, so that counting is an addition; whoever reports reads them all.
 *
 * A series is named by words with a bar between them, the kind first:
 * `requests|memcache|forwarded|ingress|default/allow`. Plain data, so that it
 * travels between processes and sums by its name.
 *
 * @module
 */
import { OTHER, WORDS } from "./words.ts";

/** One number. */
export interface Cell {
  value: number;
}

/** A series and its value. */
export type Count = readonly [series: string, value: number];

/** Kinds of series, and what their labels are. */
export const KINDS = {
  requests: ["l7proto", "verdict", "direction", "policy"],
  /** The bucket is a position in `BOUNDS_MS`; one behind them: longer. */
  duration: ["l7proto", "verdict", "bucket"],
  /** Milliseconds. */
  durationSum: ["l7proto", "verdict"],
  opened: ["direction"],
  denied: ["direction", "reason"],
  failed: ["direction", "reason"],
  ended: ["direction", "end"],
  bytes: ["direction", "flow"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Kind = keyof typeof KINDS;

/** Series of a process that are kept apart. What comes later is counted in those that have `other` in the place of names. */
export const SERIES_MAX = 2000;

const BETWEEN = "|";

/** The name of a series. */
export function seriesName(kind: Kind, labels: readonly string[]): string {
  return [kind, ...labels].join(BETWEEN);
}

/** Kind and labels of a series; nothing if it is none. */
export function readSeries(
  name: string,
): { readonly kind: Kind; readonly labels: readonly string[] } | undefined {
  const [kind, ...labels] = name.split(BETWEEN);
  if (!Object.hasOwn(KINDS, kind!)) return undefined;
  const names: readonly string[] = KINDS[kind as Kind];
  const isRight = labels.length === names.length &&
    labels.every((label, i) => WORDS[names[i]!]?.has(label) ?? isLabel(label));
  return isRight ? { kind: kind as Kind, labels } : undefined;
}

/** The series that counts one for which there is no room: without its names. */
function commonName(name: string): string {
  const [kind, ...labels] = name.split(BETWEEN) as [Kind, ...string[]];
  const names = KINDS[kind];
  return seriesName(
    kind,
    labels.map((label, i) => WORDS[names[i]!] ? label : OTHER),
  );
}

/** What stands in a label: names of Kubernetes, of parsers and of our own. */
const LABEL = /^[\w./-]{0,320}$/;

/** Whether a text can be a label. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** Counts of one process, or sums of several. */
export class Tally {
  readonly #cells = new Map<string, Cell>();
  readonly #most: number;
  #isFull = false;

  /** @param most series that are kept apart */
  constructor(most = Infinity) {
    this.#most = most;
  }

  /** Whether there was no room for one. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** The number of a series; it may be added to from now on. */
  cell(kind: Kind, ...labels: readonly string[]): Cell {
    return this.#cell(seriesName(kind, labels));
  }

  #cell(name: string): Cell {
    const known = this.#cells.get(name);
    if (known) return known;
    if (this.#cells.size >= this.#most) {
      const common = commonName(name);
      if (common !== name) {
        this.#isFull = true;
        return this.#cell(common);
      }
    }
    const cell = { value: 0 };
    this.#cells.set(name, cell);
    return cell;
  }

  add(counts: Iterable<Count>): void {
    for (const [name, value] of counts) this.#cell(name).value += value;
  }

  /** What has been counted. */
  get counts(): Count[] {
    const counts: Count[] = [];
    for (const [name, { value }] of this.#cells) {
      if (value > 0) counts.push([name, value]);
    }
    return counts;
  }
}
