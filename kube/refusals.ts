/**
 * Requests that are refused: counted, and told. Whoever sends many of them
 * fills no log with them.
 *
 * @module
 */

/** Of one reason a line at most so often. */
const TOLD_EVERY_MS = 1_000;

interface Refused {
  count: number;
  /** Since it was told last. */
  untold: number;
  toldAt: number;
}

export class Refusals {
  readonly #warn: (message: string) => void;
  readonly #byReason = new Map<string, Refused>();

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.#byReason].map(([reason, { count }]) => [reason, count]),
    );
  }

  /** @param reason one of few; `detail` is told */
  add(reason: string, detail: string): void {
    const known = this.#byReason.get(reason) ??
      { count: 0, untold: 0, toldAt: -Infinity };
    this.#byReason.set(reason, known);
    known.count++;
    const now = performance.now();
    if (now - known.toldAt < TOLD_EVERY_MS) {
      known.untold++;
      return;
    }
    const more = known.untold === 0
      ? ""
      : ` (and ${known.untold} more for the same reason)`;
    this.#warn(`${detail}${more}`);
    known.toldAt = now;
    known.untold = 0;
  }
}
