/**
 * Notices workers that are stuck inside one call of a parser.
 *
 * The budget inside of staged parsers ends loops; what still hangs is a
 * built-in function with a huge argument. The worker cannot tell of it, but its
 * page of memory can.
 *
 * @module
 */
import { type Beat, BEAT_BYTES, readBeat } from "../heartbeat.ts";
import type { SharedPage } from "../linux/shared_page.ts";
import type { Processes } from "../linux/processes.ts";
import { isStuck } from "./stuck.ts";

/** How often a worker is looked at while one call may take as long as it may. */
const LOOKS = 4;

/** A process that is watched. */
export interface Watched {
  readonly pid: number;
  /** Where its heartbeat stands. */
  readonly page: SharedPage;
}

/** A worker that is stuck. */
export interface Stall {
  /** The parser version's number. */
  readonly version: number;
  readonly connection: number;
  /** Milliseconds that the call has stood. */
  readonly standing: number;
}

/**
 * Judges one process by what is seen of it now and then. Pure: time and
 * processor time are told to it, in milliseconds.
 */
export class Patience {
  #calls = 0;
  #since = 0;
  #cpuSince = 0;
  #last = 0;
  #standing = 0;

  /** Milliseconds that its call has stood for while it was looked at. */
  get standing(): number {
    return this.#standing;
  }

  /**
   * Whether it is stuck. Processor time is asked for only when it matters: a
   * process that is not given any, on a machine that has none left, is slow and
   * not stuck.
   */
  judge(
    beat: Beat,
    now: number,
    stall: number,
    cpu: () => number | undefined,
  ): Stall | undefined {
    if (!beat.isInside) {
      this.#calls = beat.calls;
      this.#standing = 0;
      return undefined;
    }
    if (beat.calls !== this.#calls) {
      this.#calls = beat.calls;
      this.#since = this.#last = now;
      this.#standing = 0;
      this.#cpuSince = cpu() ?? 0;
      return undefined;
    }
    // If nobody looked for long, perhaps all processes stood still.
    this.#standing += Math.min(now - this.#last, stall / 2);
    this.#last = now;
    if (this.#standing < stall) return undefined;
    const used = (cpu() ?? 0) - this.#cpuSince;
    if (!isStuck(this.#standing, used, stall)) return undefined;
    const { version, connection } = beat;
    return { version, connection, standing: now - this.#since };
  }
}

/** What a watchdog is told, and tells. */
export interface WatchdogOptions<W extends Watched> {
  workers(): Iterable<W>;
  /** Most milliseconds of one call. */
  stall(): number;
  /** Called while a call stands that has taken half of what it may. */
  suspected(): void;
  /** Called once for each worker that is stuck. */
  stuck(worker: W, stall: Stall): void;
  readonly processes: Processes;
}

/** Looks at all workers, again and again. */
export class Watchdog<W extends Watched> implements Disposable {
  readonly #options: WatchdogOptions<W>;
  readonly #patience = new WeakMap<W, Patience>();
  readonly #told = new WeakSet<W>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WatchdogOptions<W>) {
    this.#options = options;
    this.#expect();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #expect(): void {
    const wait = Math.max(1, this.#options.stall() / LOOKS);
    this.#timer = setTimeout(() => {
      for (const worker of this.#options.workers()) this.#look(worker);
      this.#expect();
    }, wait);
    Deno.unrefTimer(this.#timer);
  }

  #look(worker: W): void {
    if (this.#told.has(worker)) return;
    const patience = this.#patience.get(worker) ?? new Patience();
    this.#patience.set(worker, patience);
    const stall = patience.judge(
      readBeat(worker.page.read(BEAT_BYTES)),
      performance.now(),
      this.#options.stall(),
      () => this.#options.processes.cpu(worker.pid),
    );
    if (patience.standing >= this.#options.stall() / 2) {
      this.#options.suspected();
    }
    if (!stall) return;
    this.#told.add(worker);
    this.#options.stuck(worker, stall);
  }
}
