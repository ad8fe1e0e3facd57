/**
 * The versions of parsers that were ever published, by number: whether they have
 * served, how they panic, and which one to go back to.
 *
 * @module
 */
import type { ParserVersion, PublishedVersion } from "../control/messages.ts";

/** Panics within so many milliseconds that a version which never served is withdrawn for. */
export const CRASH_LOOP = { panics: 5, within: 10_000 } as const;

interface Known {
  readonly version: PublishedVersion;
  served: boolean;
  isWithdrawn: boolean;
  /** When the last panics were told of, oldest first. */
  recent: number[];
}

/** All versions, for the life of the supervisor. */
export class Versions {
  readonly #byNumber: Known[] = [];
  readonly #bySnapshot = new Map<string, Known>();
  /** What was published under a name, in order. */
  readonly #history = new Map<string, Known[]>();

  /** Gives versions that are published the numbers that workers speak of them by. */
  numbered(serving: readonly ParserVersion[]): PublishedVersion[] {
    return serving.map((version) => {
      const known = this.#bySnapshot.get(version.snapshot) ??
        this.#add(version);
      const history = this.#history.get(version.name) ?? [];
      this.#history.set(version.name, history);
      if (history.at(-1) !== known) history.push(known);
      known.isWithdrawn = false;
      return known.version;
    });
  }

  /** `name@version` of a number, for logs; a worker may say any. */
  text(number: number): string {
    const known = this.#byNumber[number];
    return known
      ? `${known.version.name}@${known.version.version}`
      : "a parser that was never published";
  }

  get(number: number): PublishedVersion | undefined {
    return this.#byNumber[number]?.version;
  }

  /** A reply has passed under these, in some worker. */
  served(numbers: readonly number[]): void {
    for (const number of numbers) {
      const known = this.#byNumber[number];
      if (known) known.served = true;
    }
  }

  /**
   * A version has panicked on a connection. True: so often and so fast, without
   * ever having served, that it should be withdrawn.
   */
  panicked(number: number, now: number): boolean {
    const known = this.#byNumber[number];
    if (!known) return false;
    known.recent = known.recent.filter((at) => now - at < CRASH_LOOP.within);
    known.recent.push(now);
    return this.isCrashing(number);
  }

  /** Whether it still is to be withdrawn: another worker may have told since that it served. */
  isCrashing(number: number): boolean {
    const { served, isWithdrawn, recent } = this.#byNumber[number]!;
    return !served && !isWithdrawn && recent.length >= CRASH_LOOP.panics;
  }

  /** The last good version before this one: the latest that served, else the latest that was not withdrawn. */
  lastGood(number: number): ParserVersion | undefined {
    const known = this.#byNumber[number]!;
    const others = (this.#history.get(known.version.name) ?? [])
      .filter((other) => other !== known && !other.isWithdrawn);
    const good = others.findLast(({ served }) => served) ?? others.at(-1);
    return good?.version;
  }

  /** A version serves no more. */
  withdraw(number: number): void {
    const known = this.#byNumber[number]!;
    known.isWithdrawn = true;
    known.recent = [];
  }

  #add(version: ParserVersion): Known {
    // 0 is no version: that of a page that was never written.
    const number = Math.max(1, this.#byNumber.length);
    const known: Known = {
      version: { ...version, number },
      served: false,
      isWithdrawn: false,
      recent: [],
    };
    this.#byNumber[number] = known;
    this.#bySnapshot.set(version.snapshot, known);
    return known;
  }
}
