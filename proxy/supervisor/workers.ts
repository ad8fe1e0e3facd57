/**
 * The data workers: how many there should be, what each is told when it
 * starts, and who takes the place of one that died.
 *
 * @module
 */
import type {
  Published,
  ToWorker,
  WorkerQuestion,
} from "../control/messages.ts";
import type { Lease } from "../../policy/dns_cache.ts";
import type { DataConfig } from "../data_config.ts";
import { openPair } from "../linux/channel.ts";
import { SharedPages } from "../linux/shared_page.ts";
import type { SandboxOptions } from "../sandbox/spawn.ts";
import type { OperatorLog } from "../sidecar.ts";
import { thrownText } from "../thrown.ts";
import { Backoff } from "./backoff.ts";
import { epitaph } from "./epitaph.ts";
import type { BoundSocket } from "./listening.ts";
import type { LogOutput } from "./log_output.ts";
import { FollowedLog } from "./followed_log.ts";
import type { Kernel } from "./kernel.ts";
import { Spare } from "./spare.ts";
import { Totals } from "./totals.ts";
import { WorkerProcess, type WorkerReports } from "./worker_process.ts";

/** Connections are numbered from multiples of this on, so that no two have the same number. */
const CONNECTIONS_PER_WORKER = 1_000_000_000;
/** A worker that is to end may take so much longer than its connections. */
const GRACE_MS = 3000;
/** How long workers may take to be counted. */
const COUNT_MS = 1000;
/** For workers that are replaced: longer than any connection. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

/** All that a worker has to know. */
export interface WorkerState {
  readonly config: DataConfig;
  readonly sandbox: SandboxOptions;
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** What DNS answers have said. */
  readonly leases: readonly Lease[];
  readonly published: Published;
  readonly sockets: readonly BoundSocket[];
}

/** Keeps the wanted number of workers alive. */
export class Workers {
  readonly #kernel: Kernel;
  readonly #log: OperatorLog;
  readonly #output: LogOutput;
  readonly #reports: WorkerReports;
  readonly #pages = new SharedPages();
  readonly #live = new Set<WorkerProcess>();
  readonly followedLog: FollowedLog;
  /** What they have counted, those too that are gone. */
  readonly totals = new Totals(() => this.#live);
  readonly #endings = new Set<Promise<void>>();
  readonly #spare = new Spare(() => {
    const worker = this.spawn(this.#state().sandbox);
    worker.isSpare = true;
    return worker;
  });
  readonly #state: () => WorkerState;
  #started = 0;
  #deaths = 0;
  readonly #backoff = new Backoff();
  #isStopping = false;

  /** @param state asked whenever a worker starts */
  constructor(
    kernel: Kernel,
    output: LogOutput,
    log: OperatorLog,
    reports: WorkerReports,
    state: () => WorkerState,
  ) {
    this.#kernel = kernel;
    this.followedLog = new FollowedLog(kernel.readiness, () => this.#live);
    this.#output = output;
    this.#log = log;
    this.#reports = reports;
    this.#state = state;
  }

  /** Open connections: workers send their counters before they say that they are in step. One that does not answer soon is taken at its last word. */
  async countConnections(): Promise<number> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, COUNT_MS);
    const all = [...this.#live].map((worker) => worker.sync());
    await Promise.race([Promise.all(all), late.promise]);
    clearTimeout(timer);
    return this.connections;
  }

  /** Open connections, at the workers' last word. */
  get connections(): number {
    return [...this.#live]
      .reduce((sum, { counters }) => sum + counters.connections, 0);
  }

  /** What those say that answer in time; the counters are fresh then. */
  async ask(question: WorkerQuestion): Promise<unknown[]> {
    const asked = [...this.#live].map((worker) => worker.ask(question));
    return (await Promise.all(asked)).filter((answer) => answer !== undefined);
  }

  /** Workers that died and were not meant to. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Those that live. */
  get live(): ReadonlySet<WorkerProcess> {
    return this.#live;
  }

  get pids(): number[] {
    return [...this.#live].map(({ pid }) => pid);
  }

  /** Starts a process; it takes no connection before it is told all. */
  spawn(sandbox: SandboxOptions): WorkerProcess {
    const first = this.#started * CONNECTIONS_PER_WORKER;
    const worker = new WorkerProcess(
      ++this.#started,
      this.#kernel,
      { ...sandbox, args: [...sandbox.args, String(first)] },
      this.#pages.create(),
      this.#reports,
    );
    this.#live.add(worker);
    const ending = this.#follow(worker).finally(() =>
      this.#endings.delete(ending)
    );
    this.#endings.add(ending);
    return worker;
  }

  /** Starts a process for the case that one has to be replaced soon. */
  prepare(): void {
    if (!this.#isStopping) this.#spare.prepare();
  }

  /** Tells a worker all; resolves when it accepts connections, or is gone. */
  async equip(worker: WorkerProcess): Promise<void> {
    await this.lendLog(worker);
    // From here to its last order nothing is awaited: what all workers are told
    // meanwhile is in the state already, or comes after it.
    const { config, names, leases, published, sockets } = this.#state();
    worker.isEquipped = true;
    void worker.send({ type: "configure", config });
    void worker.send({ type: "names", addresses: names });
    void worker.send({ type: "learn", leases });
    void worker.send({ type: "publish", published });
    for (const { listener, descriptor } of sockets) {
      void worker.send({ type: "listen", listener }, descriptor);
    }
    await this.followedLog.equip(worker);
    await worker.sync();
  }

  /** Sends an order to all; resolves when all have carried it out. */
  async tell(order: ToWorker, descriptor?: number): Promise<void> {
    await Promise.all([...this.#live].map(async (worker) => {
      if (worker.isRetired || !worker.isEquipped) return;
      void worker.send(order, descriptor);
      await worker.sync();
    }));
  }

  /** Gives a worker a descriptor for its log lines. */
  lendLog(worker: WorkerProcess): Promise<void> {
    return this.#output.lend(async (descriptor) => {
      await worker.send({ type: "log" }, descriptor);
    });
  }

  /** Gives all workers a new descriptor, after a rotation. */
  async lendLogs(): Promise<void> {
    await Promise.all([...this.#live].map(async (worker) => {
      await this.lendLog(worker);
      await worker.sync();
    }));
  }

  /** Puts `count` new workers in the place of all that there are; their connections go on until they close. */
  async replace(count: number): Promise<void> {
    await this.#spare.drop(); // its sandbox is of the former configuration
    const old = [...this.#live].filter(({ isRetired }) => !isRetired);
    const { sandbox } = this.#state();
    const fresh = Array.from({ length: count }, () => this.spawn(sandbox));
    await Promise.all(fresh.map((worker) => this.equip(worker)));
    // Until they have stopped, a new connection may still be theirs.
    await Promise.all(old.map(async (worker) => {
      worker.retire(NO_DEADLINE_MS);
      await worker.sync();
    }));
    this.#log.info(`${count} new workers take all new connections`);
  }

  /**
   * Replaces workers that have loaded more parser versions than `limit` beside
   * the `current` ones: modules are never unloaded. Fresh ones take over their
   * connections; those that cannot go on there may take so many milliseconds.
   */
  async recycle(
    { limit, current, within }: {
      readonly limit: number;
      readonly current: number;
      readonly within: number;
    },
  ): Promise<void> {
    for (const worker of [...this.#live]) {
      const isFull = worker.versions - current >= limit;
      if (isFull && worker.isEquipped && !worker.isRetired) {
        await this.#succeed(worker, within);
      }
    }
  }

  async #succeed(worker: WorkerProcess, within: number): Promise<void> {
    const successor = this.spawn(this.#state().sandbox);
    await this.equip(successor);
    // One of them has died, and is followed itself.
    if (!this.#live.has(successor) || !this.#live.has(worker)) return;
    const { own, child } = openPair(this.#kernel.libc);
    try {
      await Promise.all([
        successor.send({ type: "take-over" }, own),
        worker.handOver(child, within),
      ]);
    } finally {
      for (const descriptor of [own, child]) {
        this.#kernel.libc.symbols.close(descriptor);
      }
    }
    this.#log.info(
      `worker ${successor.number} (process ${successor.pid}) takes over from worker ${worker.number} (process ${worker.pid}), which has loaded ${worker.versions} versions of parsers`,
    );
  }

  /** Resolves when what all have counted up to now is known. */
  async inStep(): Promise<void> {
    await Promise.all([...this.#live].map((worker) => worker.sync()));
  }

  /** Lets all finish within so many milliseconds; resolves when all are gone. */
  async drain(within: number): Promise<void> {
    this.#isStopping = true;
    for (const worker of this.#live) worker.retire(within);
    const timer = setTimeout(() => {
      for (const worker of this.#live) {
        this.#log.warn(`worker ${worker.number} does not end and is killed`);
        worker.kill();
      }
    }, within + GRACE_MS);
    await Promise.all(this.#endings);
    clearTimeout(timer);
  }

  /** Ends all at once. */
  async kill(): Promise<void> {
    this.#isStopping = true;
    for (const worker of this.#live) worker.kill();
    await Promise.all(this.#endings);
  }

  async #follow(worker: WorkerProcess): Promise<void> {
    const { how, success, lastWords } = epitaph(await worker.ended);
    this.#live.delete(worker);
    this.totals.bury(worker.counters);
    this.#reports.gone(worker);
    if (this.#isStopping || (worker.isRetired && success)) return;
    this.#deaths++;
    const words = lastWords === "" ? "" : `; its last words: ${lastWords}`;
    const { connections } = worker.counters;
    this.#log.warn(
      `worker ${worker.number} (process ${worker.pid}) died with ${how}, and about ${connections} connections with it${words}`,
    );
    if (worker.isRetired || worker.isSpare) return;
    let lived = worker.isSpoilt ? Infinity : performance.now() - worker.started;
    while (!this.#isStopping) {
      await this.#backOff(lived);
      if (this.#isStopping) return;
      try {
        return await this.#replaceOne();
      } catch (error) {
        // No process or descriptor is to be had now; there may be later.
        this.#log.warn(`cannot start a worker: ${thrownText(error)}`);
        lived = 0;
      }
    }
  }

  async #replaceOne(): Promise<void> {
    const successor = this.#spare.take();
    successor.isSpare = false;
    await this.equip(successor);
    if (!this.#live.has(successor)) return; // it has died, and is followed itself
    this.#log.info(
      `worker ${successor.number} (process ${successor.pid}) has taken its place`,
    );
  }

  /** At once after a death out of the blue; later and later when one after another dies young. */
  async #backOff(lived: number): Promise<void> {
    const wait = this.#backoff.after(lived);
    if (wait === 0) return;
    this.#log.warn(
      `${this.#backoff.young} workers in a row died young; the next one starts in ${wait} ms`,
    );
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
