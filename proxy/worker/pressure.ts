/**
 * What a worker does when its memory is running out: it finds the parser
 * version whose connections grow, closes those first, and collects garbage.
 *
 * While it looks, the memory is asked for at every read, and what it has grown
 * by since the read before counts for the version that was given the bytes.
 * Garbage counts too until it is collected, so what is left after a collection
 * decides whether anybody grows at all.
 *
 * @module
 */

/** How long a growth is looked for. */
const LOOK_MS = 10_000;
const TICK_MS = 200;
/** Less is no growth. */
const LEAST_BYTES = 1024 * 1024;
/** This share of a worker's memory is grown fast: nobody waits for the end of the look then. */
const FAST_SHARE = 1 / 32;
/** What closed connections take to be gone: see the transports' linger. */
const GONE_MS = 3000;

/** What it works with. */
export interface PressureOptions {
  /** Bytes in use: heap and buffers. */
  memory(): number;
  collectGarbage(): void;
  /** From now on called before a version is given bytes; nothing: no more. */
  account(before: ((version: number) => void) | undefined): void;
  /** Closes the connections of a version; how many they were. */
  shed(version: number, status: string): number;
  textOf(version: number): string;
  warn(message: string): void;
  after(delay: number, act: () => void): void;
  /** Milliseconds of any clock. */
  now(): number;
}

/** Finds who grows. */
export class Pressure {
  readonly #options: PressureOptions;
  readonly #grown = new Map<number, number>();
  #isLooking = false;
  #until = 0;
  #since = 0;
  /** Bytes in use when the look began. */
  #start = 0;
  /** Whom the growth since `#before` counts for, and how much was in use then. */
  #current = 0;
  #before = 0;

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  /** Looks for a version that grows; `limit` is the worker's memory in bytes. */
  relieve(limit: number): void {
    this.#until = this.#options.now() + LOOK_MS;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#begin();
    this.#tick(limit * FAST_SHARE);
  }

  #begin(): void {
    const { collectGarbage, account, now } = this.#options;
    collectGarbage();
    this.#grown.clear();
    this.#current = 0;
    this.#since = now();
    this.#start = this.#before = this.#options.memory();
    account((version) => this.#account(version));
  }

  #account(version: number): void {
    const used = this.#options.memory();
    const grown = this.#grown.get(this.#current) ?? 0;
    this.#grown.set(this.#current, grown + used - this.#before);
    this.#current = version;
    this.#before = used;
  }

  #tick(fast: number): void {
    this.#options.after(TICK_MS, () => {
      this.#account(this.#current);
      const isLate = this.#options.now() >= this.#until;
      const [, grown] = this.#largest();
      if (grown >= fast || isLate) this.#conclude(isLate);
      if (this.#isLooking) this.#tick(fast);
    });
  }

  #largest(): readonly [version: number, bytes: number] {
    let largest: readonly [number, number] = [0, 0];
    for (const [version, bytes] of this.#grown) {
      if (version !== 0 && bytes > largest[1]) largest = [version, bytes];
    }
    return largest;
  }

  #conclude(isLate: boolean): void {
    const { account, collectGarbage, memory, warn } = this.#options;
    account(undefined);
    collectGarbage();
    const isGrowth = memory() - this.#start >= LEAST_BYTES;
    const [version, bytes] = this.#largest();
    if (isGrowth && bytes >= LEAST_BYTES) {
      this.#isLooking = false;
      this.#shed(version, bytes);
    } else if (isLate) {
      this.#isLooking = false;
      warn("memory is short, and no parser's connections are seen to grow");
    } else this.#begin();
  }

  #shed(version: number, bytes: number): void {
    const { shed, textOf, warn, after, collectGarbage, now } = this.#options;
    const seconds = ((now() - this.#since) / 1000).toFixed(1);
    const found = `the connections of parser ${textOf(version)} have grown by ${
      inMb(bytes)
    } within ${seconds} s`;
    const count = shed(version, `memory is short, and ${found}`);
    warn(`memory is short: ${found}; ${count} of them are closed`);
    after(GONE_MS, collectGarbage);
  }
}

function inMb(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MB`;
}
