/**
 * What `deno test` prints, taken apart: the lines of each file, its errors,
 * and the counts of its last line.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";

/** What the last line of a run counts, in its order. */
const KINDS = ["passed", "failed", "ignored", "measured", "filtered out"];

/** How many tests, and how many of their steps. */
interface Count {
  readonly tests: number;
  readonly steps: number;
}

export type Counts = ReadonlyMap<string, Count>;

const SUMMARY = /^(?:ok|FAILED) \| \d+ passed/;
const COUNT =
  /\| (\d+) (passed|failed|ignored|measured|filtered out)(?: \((\d+) steps?\))?/g;
const FILE = /^running \d+ tests? from /;
const ERRORS = /^ ERRORS $/;

/** What one process prints. */
export class Report {
  #lines: string[] = [];
  readonly #asides: string[] = [];
  #inErrors = false;
  /** The causes of its failures: `deno test` tells them at its end. */
  readonly errors: string[] = [];
  /** Nothing until it has come to its end. */
  counts: Counts | undefined;

  /** @param print Takes the lines that belong together. */
  constructor(private readonly print: (lines: readonly string[]) => void) {}

  /** Takes the next line of what the runtime says beside its report. */
  aside(line: string): void {
    this.#asides.push(line);
  }

  /** Takes the next line of its report. */
  take(line: string): void {
    const text = stripVTControlCharacters(line);
    if (SUMMARY.test(text)) {
      this.counts = countsOf(text);
      this.#inErrors = false;
      return;
    }
    if (FILE.test(text)) this.#flush();
    if (ERRORS.test(text)) this.#inErrors = true;
    (this.#inErrors ? this.errors : this.#lines).push(line);
  }

  /** Prints what is left: there will be no more lines. */
  end(): void {
    this.#lines.push(...this.#asides);
    this.#flush();
  }

  /** Prints the lines of a file, as another begins. */
  #flush(): void {
    this.print(this.#lines);
    this.#lines = [];
  }
}

function countsOf(summary: string): Counts {
  return new Map(
    [...summary.matchAll(COUNT)].map(([, tests, kind, steps]) => [
      kind!,
      { tests: Number(tests), steps: Number(steps ?? 0) },
    ]),
  );
}

/** The last line of a run, of the counts of its processes; `deno test` has the same. */
export function summaryOf(
  all: readonly Counts[],
  ok: boolean,
  milliseconds: number,
): string {
  const parts = KINDS.flatMap((kind) => {
    const tests = sum(all.map((counts) => counts.get(kind)?.tests ?? 0));
    const steps = sum(all.map((counts) => counts.get(kind)?.steps ?? 0));
    const always = kind === "passed" || kind === "failed";
    if (!always && tests === 0 && steps === 0) return [];
    const of = steps ? ` (${steps} step${steps === 1 ? "" : "s"})` : "";
    return [`${tests} ${kind}${of}`];
  });
  const seconds = Math.round(milliseconds / 1000);
  const minutes = seconds < 60 ? "" : `${Math.floor(seconds / 60)}m`;
  const time = `${minutes}${seconds % 60}s`;
  return `${ok ? "ok" : "FAILED"} | ${parts.join(" | ")} (${time})`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
