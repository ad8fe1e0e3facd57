/**
 * Notices that a worker's memory is running out while there is still some.
 *
 * @module
 */
import type { Processes } from "../linux/processes.ts";

const LOOK_MS = 1000;
/** Past this share of its memory a worker looks for who takes it. */
const SOFT = 3 / 4;
/** Told so, it is told again after so much more. */
const STEP = 1 / 16;

/** Says when a process has to be told. Pure. */
export class Mark {
  #told = 0;

  /** @param limit bytes that it may have */
  passes(bytes: number, limit: number): boolean {
    if (bytes < SOFT * limit) {
      this.#told = 0;
      return false;
    }
    if (this.#told > 0 && bytes < this.#told + STEP * limit) return false;
    this.#told = bytes;
    return true;
  }
}

/** What it is told, and tells. */
export interface MemoryWatchOptions<W extends { readonly pid: number }> {
  workers(): Iterable<W>;
  /** Bytes that each may have. */
  limit(): number;
  /** A worker should look for who takes its memory. */
  short(worker: W, bytes: number): void;
  readonly processes: Processes;
}

/** Looks at all workers once a second. */
export class MemoryWatch<W extends { readonly pid: number }>
  implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #marks = new WeakMap<W, Mark>();

  constructor(options: MemoryWatchOptions<W>) {
    this.#timer = setInterval(() => {
      for (const worker of options.workers()) this.#look(worker, options);
    }, LOOK_MS);
    Deno.unrefTimer(this.#timer);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(worker: W, options: MemoryWatchOptions<W>): void {
    const bytes = options.processes.memory(worker.pid);
    if (bytes === undefined) return;
    const mark = this.#marks.get(worker) ?? new Mark();
    this.#marks.set(worker, mark);
    if (mark.passes(bytes, options.limit())) options.short(worker, bytes);
  }
}
