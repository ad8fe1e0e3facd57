/**
 * One data worker, as the supervisor sees it.
 *
 * @module
 */
import { readCounters } from "../control/counters.ts";
import type {
  Counters,
  FromWorker,
  ToWorker,
  WorkerQuestion,
} from "../control/messages.ts";
import { type Beat, BEAT_BYTES, readBeat } from "../heartbeat.ts";
import type { SharedPage } from "../linux/shared_page.ts";
import type { SandboxOptions } from "../sandbox/spawn.ts";
import { Child, type Ended } from "./child.ts";
import type { Kernel } from "./kernel.ts";
import type { Sparable } from "./spare.ts";

const NO_COUNTERS: Counters = {
  connections: 0,
  accepted: 0,
  linesDropped: 0,
  versions: [],
  served: [],
  traffic: [],
  lag: 0,
};

/** A worker that carries nothing out for so long hangs in parser code. */
const SYNC_MS = 5000;
/** How long an answer may take; a worker that is busy is none that hangs. */
const ANSWER_MS = 3000;

/** What a worker says that is not an answer. */
export interface WorkerReports {
  warn(message: string): void;
  missing(walls: readonly string[]): void;
  counted(counters: Counters): void;
  panicked(version: number): void;
  gone(worker: WorkerProcess): void;
}

/** A data worker's process. */
export class WorkerProcess implements Sparable {
  readonly number: number;
  /** What it does right now. */
  readonly page: SharedPage;
  /** `performance.now()` of its start. */
  readonly started = performance.now();
  readonly #child: Child<ToWorker, FromWorker>;
  readonly #reports: WorkerReports;
  readonly #synced = new Map<number, () => void>();
  readonly #asked = new Map<number, (answer: unknown) => void>();
  #lastSync = 0;
  #lastAsked = 0;
  #counters = NO_COUNTERS;
  /** Snapshots of the parser versions that it was told to load, and never unloads. */
  readonly #versions = new Set<string>();
  #lastBeat: Beat | undefined;
  #isOver = false;
  #isTold = false;
  /** It was told to end. */
  isRetired = false;
  /** It was ended for what a parser did in it, not for how it started. */
  isSpoilt = false;
  /** Nobody's place is meant for it yet. */
  isSpare = false;
  /** It was told all that there is; it follows from then on. */
  isEquipped = false;

  /**
   * @param number of this start, over all workers
   * @param page for its heartbeat; closed here when it has ended
   */
  constructor(
    number: number,
    kernel: Kernel,
    options: SandboxOptions,
    page: SharedPage,
    reports: WorkerReports,
  ) {
    this.number = number;
    this.page = page;
    this.#reports = reports;
    const inheriting = {
      ...options,
      args: [...options.args, String(page.descriptor)],
      inherit: [page.descriptor],
    };
    try {
      this.#child = page.whileInherited(() =>
        new Child(
          kernel,
          inheriting,
          (message: FromWorker) => this.#on(message),
        )
      );
    } catch (error) {
      page.close();
      throw error;
    }
    void this.#child.ended.finally(() => {
      this.#lastBeat = readBeat(page.read(BEAT_BYTES));
      page.close();
    });
    void this.#child.ended.then(() => {
      this.#isOver = true;
      for (const answer of this.#asked.values()) answer(undefined);
    });
  }

  #on(message: FromWorker): void {
    switch (message.type) {
      case "synced":
        return this.#synced.get(message.id)?.();
      case "counters":
        this.#counters = readCounters(
          message.counters,
          () => this.#tellOfSeries(),
        );
        return this.#reports.counted(this.#counters);
      case "answer":
        return this.#asked.get(message.id)?.(message.answer);
      case "panicked":
        return this.#reports.panicked(message.version);
      case "warn":
        return this.#reports.warn(message.message);
      case "started":
        return this.#reports.missing(message.missing);
    }
  }

  /** Said once: it will not become fewer. */
  #tellOfSeries(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#reports.warn(
      `worker ${this.number} (process ${this.pid}) counts under more names than a worker has: those beyond are counted as "other"; see what its parsers do`,
    );
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it did when it ended. */
  get lastBeat(): Beat | undefined {
    return this.#lastBeat;
  }

  get counters(): Counters {
    return this.#counters;
  }

  /** Parser versions that it has loaded ever. */
  get versions(): number {
    return this.#versions.size;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get ended(): Promise<Ended> {
    return this.#child.ended;
  }

  /** See `Child.send`. */
  send(order: ToWorker, descriptor?: number): Promise<unknown> {
    if (order.type === "publish") {
      for (const { snapshot } of order.published.parsers) {
        this.#versions.add(snapshot);
      }
    }
    return this.#child.send(order, descriptor);
  }

  /**
   * Resolves when all orders up to now are carried out, or the worker is gone.
   * One that does not answer in time is killed: policies must take effect.
   */
  async sync(): Promise<void> {
    const id = ++this.#lastSync;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#synced.set(id, resolve);
    void this.#child.send({ type: "sync", id });
    using _overdue = this.#child.expect(SYNC_MS, (standing) => {
      this.#reports.warn(
        `worker ${this.number} (process ${this.pid}) did not follow within ${standing} ms and is killed`,
      );
      this.kill();
    });
    await Promise.race([promise, this.#child.ended]);
    this.#synced.delete(id);
  }

  /**
   * What it answers, or nothing if it does not in time, or is gone. Its counters
   * are fresh then. Parser code may have got hold of it: an answer is what the
   * worker says, and may be anything.
   */
  async ask(question: WorkerQuestion): Promise<unknown> {
    const id = ++this.#lastAsked;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#asked.set(id, resolve);
    void this.#child.send({ type: "ask", id, question });
    const timer = setTimeout(resolve, ANSWER_MS);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  /** Lets it finish its connections within so many milliseconds. */
  retire(within: number): void {
    this.isRetired = true;
    this.#child.send({ type: "drain", within });
  }

  /** Has it give its connections to the process at the other end; the rest may take so many milliseconds. */
  handOver(descriptor: number, within: number): Promise<unknown> {
    this.isRetired = true;
    return this.#child.send({ type: "hand-over", within }, descriptor);
  }

  kill(): void {
    this.#child.kill();
  }

  /** Ends one that has no connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.retire(0);
    await this.ended;
  }
}
