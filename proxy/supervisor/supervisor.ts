/**
 * The supervisor: it owns the configuration, the policy, the parsers' versions
 * and the listening sockets, holds no connection and runs no parser code.
 *
 * ```text
 * files → supervisor → checker (sandboxed, throw-away): what is good?
 *                    → workers (sandboxed): parsers, policy, sockets
 * ```
 *
 * @module
 */
import { formatProblem } from "../../policy/problem.ts";
import type { Source } from "../../policy/file.ts";
import {
  type Administered,
  type SidecarKnowledge,
  STOPPING,
} from "../administered.ts";
import { Administration } from "../administration.ts";
import type { Config } from "../config/mod.ts";
import type { Published } from "../control/messages.ts";
import { dataConfig } from "../data_config.ts";
import { readHashSecret } from "../hash_secret.ts";
import { Cluster } from "../identities/cluster.ts";
import { connectionLimit } from "../limits.ts";
import { PolicyHistory } from "../policy_history.ts";
import { openShelf, type PolicyShelf } from "../policy_shelf.ts";
import { ParserHistory } from "../registry/history.ts";
import { tellOfParsers } from "../registry/tell.ts";
import { prestagedFolder } from "../sandbox/prestaged.ts";
import type { BoundListener, OperatorLog, SidecarOptions } from "../sidecar.ts";
import { policyPaths, readPolicies } from "../standing_policies.ts";
import { thrownText } from "../thrown.ts";
import { Sockets } from "../transport/epoll/sockets.ts";
import { type Watch, watch } from "../watch.ts";
import { Checker } from "./checker.ts";
import { Dns } from "./dns.ts";
import { Isolation } from "./isolation.ts";
import { Kernel } from "./kernel.ts";
import { Listeners } from "./listeners.ts";
import { LogOutput } from "./log_output.ts";
import { namesOf, RESOLVE_MS, UpstreamNames } from "./names.ts";
import { Obedience } from "./obedience.ts";
import { Parsers } from "./parsers.ts";
import { Reports } from "./reports.ts";
import { type Reviewed, Reviews } from "./reviews.ts";
import { checkerSandbox, workerSandbox } from "./sandboxes.ts";
import { refuseToStart } from "./start_refusal.ts";
import { StoredPolicies } from "./stored_policies.ts";
import { Traces } from "./traces.ts";
import { Turns } from "./turns.ts";
import { Workers, type WorkerState } from "./workers.ts";

/** What the supervisor is given beside its configuration. */
export interface SupervisorOptions extends SidecarOptions {
  /** The `deno.json` of the program. */
  readonly program: string;
  /** A folder of this supervisor's own. */
  readonly folder: string;
  /** Aborted when it is to stop: a start then waits for nobody any more. */
  readonly stopping?: AbortSignal;
}

/** A running sidecar of several processes. */
export class Supervisor {
  #config: Config;
  readonly #options: SupervisorOptions;
  readonly #log: OperatorLog;
  readonly #kernel = new Kernel();
  readonly #output: LogOutput;
  readonly #isolation: Isolation;
  readonly #workers: Workers;
  readonly #cluster: Cluster;
  readonly #obedience: Obedience;
  readonly #dns: Dns;
  readonly #snapshots: string;
  #parsers: Parsers;
  readonly #history = new ParserHistory();
  readonly #listeners: Listeners;
  #hashSecret = "";
  readonly #names: UpstreamNames;
  #published: Published = { parsers: [], documents: [] };
  readonly #policies = new PolicyHistory();
  readonly #shelf: PolicyShelf;
  readonly #reviews = new Reviews(() => this.#openChecker(), () => {
    return {
      config: this.#config,
      parsers: this.#parsers,
      documents: this.#published.documents,
    };
  });
  readonly #traces = new Traces(() => this.#openChecker(), () => {
    return {
      config: this.#config,
      knowledge: this.#knowledge,
      documents: this.#published.documents,
      serving: this.#parsers.serving,
    };
  });
  readonly #reports: Reports;
  #watch: Watch | undefined;
  /** Watches of former configurations. */
  readonly #closing: (Promise<void> | undefined)[] = [];
  #resolving: ReturnType<typeof setInterval> | undefined;
  readonly #turns = new Turns();
  #isStopping = false;

  private constructor(
    config: Config,
    options: SupervisorOptions,
    snapshots: string,
    shelf: PolicyShelf,
  ) {
    this.#config = this.#limited(config, options.log);
    this.#options = options;
    this.#log = options.log;
    this.#reports = new Reports(this.#log);
    this.#names = new UpstreamNames((message) => this.#log.warn(message));
    this.#snapshots = snapshots;
    this.#shelf = shelf;
    this.#listeners = new Listeners(Sockets.open(), this.#log);
    this.#output = new LogOutput(
      config.accessLog.sink,
      this.#log,
      this.#kernel.readiness,
    );
    this.#parsers = this.#parsersOf(config);
    this.#isolation = new Isolation({
      log: this.#log,
      workers: () => this.#workers.live,
      stall: () => this.#config.limits.stall,
      memory: () => this.#config.limits.workerBytes,
      withdraw: (version) => this.#inTurn(() => this.#withdraw(version)),
      suspected: () => this.#workers.prepare(),
    });
    this.#cluster = new Cluster({
      now: Date.now,
      info: (message) => this.#log.info(message),
      warn: (message) => this.#log.warn(message),
      changed: () => void this.#inTurn(() => this.#configureWorkers()),
    });
    this.#obedience = new Obedience({
      cluster: this.#cluster,
      config: () => this.#config,
      become: (config) => this.#config = config,
      policies: () => this.#policies.state,
      forget: () => this.#reviews.forget(),
      reload: () => this.#reload({ isOther: true }),
      configure: () => this.#configureWorkers(),
      inTurn: (act) => this.#inTurn(act),
    });
    this.#dns = new Dns({
      kernel: this.#kernel,
      log: this.#log,
      program: options.program,
      state: () => {
        const { config, published } = this.#state();
        return {
          dns: this.#config.dns,
          config,
          documents: published.documents,
        };
      },
      tell: (order) => this.#workers.tell(order),
      lend: (use) => this.#output.lend(use),
      missing: (walls) => this.#reports.missing(walls),
    });
    this.#workers = new Workers(
      this.#kernel,
      this.#output,
      this.#log,
      {
        warn: (message) => this.#log.warn(message),
        missing: (walls) => this.#reports.missing(walls),
        counted: (counters) => this.#isolation.counted(counters),
        panicked: (version) => this.#isolation.panicked(version),
        gone: (worker) => this.#isolation.gone(worker),
      },
      () => this.#state(),
    );
  }

  /**
   * Starts the workers, has parsers and policy judged, and binds every listener.
   *
   * @throws {ParleyError} when the policy is not whole, a listener's parser is
   *   not there or an address cannot be bound; nothing is left open then
   */
  static async start(
    config: Config,
    options: SupervisorOptions,
  ): Promise<Supervisor> {
    const snapshots = `${options.folder}/parsers`;
    await Deno.mkdir(snapshots);
    const shelf = await openShelf(config);
    const supervisor = new Supervisor(config, options, snapshots, shelf);
    await supervisor.#start();
    return supervisor;
  }

  get listeners(): BoundListener[] {
    return this.#listeners.bound.map(({ listener, address }) => {
      return { config: listener, address };
    });
  }

  /** Counts open connections. */
  countConnections(): Promise<number> {
    return this.#workers.countConnections();
  }

  /** Reopens the access log, after a rotation. */
  async reopenLog(): Promise<void> {
    if (!this.#output.reopen()) return;
    await Promise.all([this.#workers.lendLogs(), this.#dns.lendLog()]);
    this.#log.info("the access log was opened again");
  }

  /**
   * Reads parsers and policies again, as a change of their files does. One at a
   * time, so that an older reading never replaces a newer one. Never rejects.
   */
  reload(): Promise<void> {
    return this.#inTurn(() => this.#reload());
  }

  get #knowledge(): SidecarKnowledge {
    return { ...this.#cluster.knowledge, names: this.#dns.leases };
  }

  /** What its operator may see and do. */
  get administered(): Administered {
    return new Administration({
      history: this.#history,
      ask: async (question) => {
        const isCounting = question.about === "counters";
        const [answers] = await Promise.all([
          this.#workers.ask(question),
          isCounting ? this.#dns.count() : undefined,
        ]);
        return answers;
      },
      connections: () => this.#workers.connections,
      versions: () => this.#workers.totals.versions(),
      measured: () => {
        return {
          traffic: [...this.#workers.totals.traffic(), ...this.#dns.traffic()],
          linesDropped: this.#workers.totals.linesDropped(),
          workers: this.#isolation.usage(),
          workerDeaths: this.#workers.deaths,
        };
      },
      followLog: (filter) => this.#workers.followedLog.follow(filter),
      policy: () => this.#policies.state,
      sources: () => [
        ...this.#cluster.status(),
        ...this.#dns.status(Date.now()),
      ],
      status: () => this.#parsers.status(),
      stageAgain: (name, signal) => this.#stageAgain(name, signal),
      listeners: () => this.#listeners.states(this.#config.listeners),
      knowledge: () => this.#knowledge,
      config: () => this.#config,
      trace: (question, signal) => this.#traces.ask(question, signal),
      faults: () => [
        ...(this.#isStopping ? [STOPPING] : []),
        ...(this.#workers.live.size === 0 ? ["no worker runs"] : []),
      ],
      policies: new StoredPolicies({
        turns: this.#turns,
        shelf: this.#shelf,
        isEnforced: () => this.#config.enforcement !== "never",
        read: () => this.#readPolicy(),
        trial: (written) => this.#reviews.trial(written),
        reload: () => this.#reload(),
        state: () => this.#policies.state,
      }),
    });
  }

  /** Follows another configuration. Never rejects. */
  reconfigure(config: Config): Promise<void> {
    return this.#inTurn(() => this.#reconfigure(config));
  }

  /** Accepts no more, lets connections finish within `limits.drain`, then closes the rest. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    this.#turns.stop();
    this.#listeners.close();
    await Promise.all([
      this.#workers.drain(this.#config.limits.drain),
      this.#reviews.stop(),
      this.#traces.stop(),
    ]);
    await this.#release();
  }

  async #start(): Promise<void> {
    try {
      await this.#startAll();
    } catch (error) {
      await this.#workers.kill();
      await this.#release();
      throw error;
    }
  }

  async #startAll(): Promise<void> {
    const count = this.#config.data.workers;
    this.#hashSecret = await readHashSecret(this.#config);
    this.#reviews.prepare(); // all else waits for the checker
    await this.#cluster.follow(this.#config);
    const { stopping = new AbortController().signal } = this.#options;
    await this.#obedience.listen(stopping);
    const { sandbox } = this.#state();
    // They load while the checker works.
    const workers = Array.from(
      { length: count },
      () => this.#workers.spawn(sandbox),
    );
    const judgement = await this.#reviews.all(await this.#readPolicy());
    refuseToStart(judgement, this.#config);
    const tell = this.#apply(judgement);
    this.#dns.note(await this.#names.resolve(this.#config.listeners));
    await this.#listeners.bind(this.#config.listeners);
    await Promise.all(workers.map((worker) => this.#workers.equip(worker)));
    await this.#dns.follow();
    tell();
    this.#watchFiles();
    this.#resolving = setInterval(() => {
      void this.#resolveAgain();
      this.#obedience.follow(); // what could not be judged then may be now
    }, RESOLVE_MS);
    Deno.unrefTimer(this.#resolving);
    this.#obedience.begin();
  }

  async #release(): Promise<void> {
    clearInterval(this.#resolving);
    this.#isolation[Symbol.dispose]();
    // A turn that is under way may still open a watch; what a watch has seen waits for a turn.
    await this.#turns.done();
    await Promise.all([
      ...this.#closing,
      this.#watch?.close(),
      this.#cluster.close(),
      this.#dns.close(),
      this.#reviews.stop(),
    ]);
    await this.#turns.done();
    this.#listeners.close();
    await this.#workers.followedLog.close();
    await this.#output.close();
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    try {
      await this.#turns.take(act);
    } catch (error) {
      if (this.#isStopping) return; // the checker was ended
      this.#log.warn(`cannot reload: ${thrownText(error)}`);
    }
  }

  #stageAgain(name: string | undefined, signal?: AbortSignal): Promise<void> {
    return this.#turns.take(() => {
      this.#parsers.stageAgain(name);
      return this.#reload();
    }, signal);
  }

  /** @param options.isOther whether it is for another workload, or among others, than before */
  async #reload({ isOther = false } = {}): Promise<void> {
    let written: readonly Source[] | undefined;
    try {
      written = await this.#readPolicy();
    } catch (error) {
      this.#policies.unreadable(thrownText(error));
      this.#reports.faults([`${thrownText(error)}; the policy in force stays`]);
    }
    const judgement = await this.#reviews.news(written);
    if (!judgement) return;
    const tell = this.#apply(judgement);
    await this.#workers.tell({
      ...{ type: "publish", published: this.#published },
      ...(isOther ? { config: this.#state().config } : {}),
    });
    await this.#dns.publish(isOther);
    this.#obedience.ask();
    tell();
    if (!this.#isStopping) this.#reviews.prepare();
    await this.#workers.recycle({
      limit: this.#config.parsers.recycleAfter,
      current: this.#published.parsers.length,
      within: this.#config.limits.drain,
    });
  }

  /** A version that panics and never served makes way for the last good one. */
  async #withdraw(number: number): Promise<void> {
    const { versions } = this.#isolation;
    await this.#workers.inStep();
    if (!versions.isCrashing(number)) return;
    const fault = Isolation.fault(versions.text(number));
    const good = versions.lastGood(number);
    versions.withdraw(number);
    if (!good) {
      this.#log.error(`${fault}; there is no other version to go back to`);
      return;
    }
    if (!this.#parsers.withdraw(versions.get(number)!, good, fault)) return;
    this.#history.count(good.name, "withdrawn");
    const parsers = versions.numbered(this.#parsers.serving);
    this.#published = { ...this.#published, parsers };
    await this.#workers.tell({ type: "publish", published: this.#published });
    this.#log.error(
      `${fault}; it is withdrawn, and ${good.name}@${good.version} serves new connections again`,
    );
  }

  async #reconfigure(config: Config): Promise<void> {
    const before = this.#config;
    const { sandbox } = this.#state();
    this.#config = this.#obedience.asTold(
      this.#limited(this.#withShelf(config), this.#log),
    );
    if (isOther(before.controller, config.controller)) {
      this.#log.warn("controller has changed: it counts after a restart");
    }
    if (isOther(before.parsers, config.parsers)) {
      this.#parsers = this.#parsersOf(config);
    }
    this.#reviews.forget();
    // Not awaited here: a change that it has seen waits for this turn to end.
    this.#closing.push(this.#watch?.close());
    this.#watchFiles();
    await this.#reload();
    await this.#resolveAgain();
    await this.#followSecret();
    const isRestart = before.data.workers !== config.data.workers ||
      isOther(sandbox, this.#state().sandbox);
    await this.#cluster.follow(this.#config);
    if (!isRestart) await this.#configureWorkers();
    await this.#dns.follow();
    const gone = await this.#listeners.rebind(
      this.#config.listeners,
      isRestart ? undefined : this.#workers,
    );
    // What the old workers' sandbox does not allow, new ones do.
    if (isRestart) await this.#workers.replace(config.data.workers);
    this.#listeners.close(gone);
  }

  /** Policies that were put in stay where they are kept. */
  #withShelf(config: Config): Config {
    const { policies: _, ...admin } = config.admin;
    const { policies } = this.#config.admin;
    if (policies !== config.admin.policies) {
      this.#log.warn("admin.policies has changed: it counts after a restart");
    }
    return {
      ...config,
      admin: { ...admin, ...(policies ? { policies } : {}) },
    };
  }

  /** A file may say another one; one that nobody knows stays, so that hashes can be compared. */
  async #followSecret(): Promise<void> {
    if (this.#config.accessLog.hashSecretFile === undefined) return;
    try {
      this.#hashSecret = await readHashSecret(this.#config);
    } catch (error) {
      this.#log.warn(`${thrownText(error)}; the secret of before stays`);
    }
  }

  async #configureWorkers(): Promise<void> {
    const { config } = this.#state();
    await this.#workers.tell({ type: "configure", config });
    await this.#dns.configure();
  }

  async #readPolicy(): Promise<readonly Source[]> {
    const written = await readPolicies(this.#config);
    if (this.#config.enforcement === "never") return written;
    return [
      ...written,
      ...this.#obedience.policies,
      ...this.#shelf.sources(),
    ];
  }

  /** Takes over what was judged; the answer tells the operator, once it is in force. */
  #apply({ policy, unguarded, changes }: Reviewed): () => void {
    const now = new Date().toISOString();
    this.#history.follow(changes, this.#parsers.status(), now);
    const isOther = this.#policies.follow(policy, now);
    const { version } = this.#policies.state;
    const isNew = version === 1;
    this.#published = {
      parsers: this.#isolation.versions.numbered(this.#parsers.serving),
      documents: policy.documents,
    };
    return () => {
      tellOfParsers(changes, this.#log);
      const faults = policy.problems
        .filter(({ severity }) => severity !== "note");
      this.#reports.faults(faults.map(formatProblem));
      if (!isOther) return;
      if (!isNew) this.#log.info(`policy version ${version} is in force`);
      if (!this.#hasPolicies()) return;
      for (const { message, mend } of unguarded) {
        this.#log.warn(`${message}; ${mend}`);
      }
    };
  }

  #hasPolicies(): boolean {
    return this.#config.policies.length > 0 ||
      this.#published.documents.length > 0;
  }

  /** With as many connections as the system allows each worker. */
  #limited(config: Config, log: OperatorLog): Config {
    const { workers } = config.data;
    const { connections } = config.limits;
    const each = connectionLimit(Math.ceil(connections / workers), log);
    const limits = { ...config.limits, connections: each * workers };
    return { ...config, limits };
  }

  #state(): WorkerState {
    const config = this.#config;
    const connections = Math.ceil(
      config.limits.connections / config.data.workers,
    );
    return {
      config: {
        ...dataConfig(config, this.#cluster.knowledge, this.#hashSecret),
        limits: { ...config.limits, connections },
      },
      sandbox: workerSandbox(config, this.#places),
      names: this.#names.addresses,
      leases: this.#dns.leases,
      published: this.#published,
      sockets: this.#listeners.bound,
    };
  }

  get #places() {
    return { snapshots: this.#snapshots, program: this.#options.program };
  }

  #openChecker(): Checker {
    if (this.#isStopping) throw new Error(STOPPING);
    return new Checker(
      this.#kernel,
      checkerSandbox(this.#config, this.#places),
      (walls) => this.#reports.missing(walls),
    );
  }

  #parsersOf({ parsers }: Config): Parsers {
    const { builtInParsers, program } = this.#options;
    const folders = [
      { path: builtInParsers, builtIn: true },
      ...parsers.folders.map((path) => ({ path, builtIn: false })),
    ];
    return new Parsers(folders, this.#snapshots, prestagedFolder(program));
  }

  async #resolveAgain(): Promise<void> {
    const { listeners } = this.#config;
    if (namesOf(listeners).length === 0) return;
    const leases = await this.#names.resolve(listeners);
    this.#dns.note(leases);
    // An address that is dialled is one that the policy knows.
    await this.#workers.tell({ type: "learn", leases });
    await this.#workers.tell({
      type: "names",
      addresses: this.#names.addresses,
    });
  }

  #watchFiles(): void {
    const { parsers } = this.#config;
    this.#watch = watch(
      [
        this.#options.builtInParsers,
        ...parsers.folders,
        ...policyPaths(this.#config),
      ],
      () => this.reload(),
    );
  }
}

function isOther(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}
