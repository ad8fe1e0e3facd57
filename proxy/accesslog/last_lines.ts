/**
 * The last lines of the access log, for who comes late. Those of what was
 * forwarded do not push out those of what was not.
 *
 * @module
 */
import { lineText } from "./format.ts";

/** Lines that are kept: forwarded ones, and as many others. */
const KEPT = 100;
/** Longer fields are not kept: a bound on memory. */
const FIELDS_MAX = 4096;

/** A line that was kept. */
export interface KeptLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Without its line feed. */
  readonly line: string;
}

/** Keeps lines as they come in parts; what is together costs three stores. */
export class LastLines {
  readonly #forwarded = new Ring();
  readonly #others = new Ring();

  /** Takes a line; see `TakeLine`. */
  take(
    time: number,
    middle: Uint8Array,
    fields: string | Uint8Array,
    verdict: string,
  ): void {
    if (fields.length > FIELDS_MAX) return;
    (verdict === "forwarded" ? this.#forwarded : this.#others)
      .push(time, middle, fields);
  }

  /** In the order of their times. */
  lines(): KeptLine[] {
    return [...this.#forwarded.lines(), ...this.#others.lines()]
      .sort((a, b) => a.time - b.time);
  }
}

class Ring {
  readonly #times = new Float64Array(KEPT);
  readonly #middles: Uint8Array[] = [];
  readonly #fields: (string | Uint8Array)[] = [];
  #next = 0;

  push(time: number, middle: Uint8Array, fields: string | Uint8Array): void {
    const at = this.#next;
    this.#times[at] = time;
    this.#middles[at] = middle;
    this.#fields[at] = fields;
    this.#next = at + 1 === KEPT ? 0 : at + 1;
  }

  lines(): KeptLine[] {
    const start = this.#fields.length < KEPT ? 0 : this.#next;
    return this.#fields.map((_, i) => {
      const at = (start + i) % KEPT;
      const time = this.#times[at]!;
      const line = lineText(time, this.#middles[at]!, this.#fields[at]!);
      return { time, line: line.trimEnd() };
    });
  }
}
