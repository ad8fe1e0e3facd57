/**
 * Keeps what one parser does from costing more than it must: workers that it
 * holds up are replaced, and a version that only ever panics is withdrawn.
 *
 * @module
 */
import type { Counters } from "../control/messages.ts";
import type { WorkerUsage } from "../counting/metrics.ts";
import { Processes } from "../linux/processes.ts";
import type { OperatorLog } from "../sidecar.ts";
import { type Stall, Watchdog } from "./watchdog.ts";
import { MemoryWatch } from "./memory_watch.ts";
import { CRASH_LOOP, Versions } from "./versions.ts";
import type { WorkerProcess } from "./worker_process.ts";

/** What it needs of the supervisor. */
export interface IsolationOptions {
  readonly log: OperatorLog;
  workers(): Iterable<WorkerProcess>;
  /** `limits.stall`, in milliseconds. */
  stall(): number;
  /** `limits.workerBytes`. */
  memory(): number;
  /** Called when a worker may soon have to be replaced. */
  suspected(): void;
  /** Called when a version crashes in a loop: see {@linkcode Versions.isCrashing}. */
  withdraw(version: number): void;
}

/** Watches the workers on behalf of the supervisor. */
export class Isolation implements Disposable {
  readonly versions = new Versions();
  readonly #options: IsolationOptions;
  readonly #processes = new Processes();
  readonly #watchdog: Watchdog<WorkerProcess>;
  readonly #memory: MemoryWatch<WorkerProcess>;

  constructor(options: IsolationOptions) {
    this.#options = options;
    this.#watchdog = new Watchdog({
      workers: () => options.workers(),
      stall: () => options.stall(),
      suspected: () => options.suspected(),
      stuck: (worker, stall) => this.#replace(worker, stall),
      processes: this.#processes,
    });
    this.#memory = new MemoryWatch({
      workers: () => options.workers(),
      limit: () => options.memory(),
      short: (worker, bytes) => this.#relieve(worker, bytes),
      processes: this.#processes,
    });
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
    this.#watchdog[Symbol.dispose]();
  }

  /** What each worker takes. */
  usage(): WorkerUsage[] {
    return [...this.#options.workers()].map(({ number, pid, counters }) => {
      const cpu = this.#processes.cpu(pid);
      const resident = this.#processes.memory(pid);
      return {
        number,
        lag: counters.lag,
        ...(cpu === undefined ? {} : { cpu }),
        ...(resident === undefined ? {} : { resident }),
      };
    });
  }

  /** A worker has sent its counters. */
  counted({ served }: Counters): void {
    this.versions.served(served);
  }

  /** A version that has not served in a worker has panicked there. */
  panicked(version: number): void {
    if (this.versions.panicked(version, performance.now())) {
      this.#options.withdraw(version);
    }
  }

  /** What is said of a version that crashes in a loop. */
  static fault(version: string): string {
    const { panics, within } = CRASH_LOOP;
    return `parser ${version} panicked on ${panics} connections within ${
      within / 1000
    } s and has never passed a reply`;
  }

  /** A worker is gone; where it was then may be why. */
  gone(worker: WorkerProcess): void {
    const beat = worker.lastBeat;
    if (!beat?.isInside || worker.isSpoilt) return;
    this.#options.log.error(
      `worker ${worker.number} (process ${worker.pid}) ended inside parser ${
        this.versions.text(beat.version)
      }, called for connection ${beat.connection}`,
    );
  }

  #relieve(worker: WorkerProcess, bytes: number): void {
    const mb = (count: number) => Math.round(count / (1024 * 1024));
    this.#options.log.warn(
      `worker ${worker.number} (process ${worker.pid}) has ${
        mb(bytes)
      } MB of memory, of ${
        mb(this.#options.memory())
      } (limits.workerBytes): it looks for the parser that takes it`,
    );
    void worker.send({ type: "relieve" });
  }

  /** Killed, it is replaced as any worker that dies. */
  #replace(worker: WorkerProcess, { version, connection, standing }: Stall) {
    const parser = this.versions.text(version);
    this.#options.log.error(
      `worker ${worker.number} (process ${worker.pid}) hangs in parser ${parser}, called for connection ${connection}, ` +
        `for ${
          Math.round(standing)
        } ms (limits.stall: ${this.#options.stall()} ms); it is killed, and replaced`,
    );
    worker.isSpoilt = true;
    worker.kill();
  }
}
