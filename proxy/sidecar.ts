/**
 * The running sidecar: listeners, the policy and the parsers in force, the
 * access log, and how they follow their files.
 *
 * @module
 */
import { ParleyError } from "../proxylib/error.ts";
import { nearMiss, oneOf, quote } from "../policy/problem.ts";
import {
  type Administered,
  STOPPING,
  type TraceQuestion,
} from "./administered.ts";
import { Administration } from "./administration.ts";
import { answer } from "./answer.ts";
import { openSink } from "./accesslog/sinks.ts";
import { LogWriter } from "./accesslog/writer.ts";
import type { Config, ListenerConfig } from "./config/mod.ts";
import { createCatalog } from "./registry/catalog.ts";
import { ParserHistory } from "./registry/history.ts";
import { ParserRegistry } from "./registry/registry.ts";
import { tellOfParsers } from "./registry/tell.ts";
import { type DataConfig, dataConfig, readingOptions } from "./data_config.ts";
import { Engine } from "./engine.ts";
import { readHashSecret } from "./hash_secret.ts";
import { LocalLog } from "./local_log.ts";
import { subjectsOf } from "./workloads.ts";
import { PolicySource } from "./policy_source.ts";
import { createPortableTransport } from "./transport/portable.ts";
import { formatAddress, type Listener } from "./transport/transport.ts";
import { Cluster } from "./identities/cluster.ts";
import { connectionLimit } from "./limits.ts";
import { thrownText } from "./thrown.ts";
import { namesOf, RESOLVE_MS, UpstreamNames } from "./supervisor/names.ts";
import type { TraceReport } from "./trace/report.ts";
import { unguarded } from "./unguarded.ts";
import { type Watch, watch } from "./watch.ts";

/** Where the sidecar reports what is not about one connection. */
export interface OperatorLog {
  info(message: string): void;
  warn(message: string): void;
  /** What somebody should look at now. */
  error(message: string): void;
}

/** What is not in the configuration. */
export interface SidecarOptions {
  /** The folder of the parsers that are always present. */
  readonly builtInParsers: string;
  readonly log: OperatorLog;
}

/** A bound listener. */
export interface BoundListener {
  readonly config: ListenerConfig;
  /** `host:port`. */
  readonly address: string;
}

/** All of a sidecar's parts. */
export class Sidecar {
  readonly #config: Config;
  readonly #hashSecret: string;
  readonly #cluster: Cluster;
  readonly #log: OperatorLog;
  readonly #accessLog: LogWriter;
  readonly #lines: LocalLog;
  readonly #registry: ParserRegistry;
  readonly #policy: PolicySource;
  readonly #engine: Engine;
  readonly #history = new ParserHistory();
  #listeners: { config: ListenerConfig; listener: Listener }[] = [];
  #watches: Watch[] = [];
  readonly #names: UpstreamNames;
  #resolving: ReturnType<typeof setInterval> | undefined;
  #reloads: Promise<void> = Promise.resolve();
  #isStopping = false;

  private constructor(
    config: Config,
    options: SidecarOptions,
    hashSecret: string,
  ) {
    this.#config = config;
    this.#hashSecret = hashSecret;
    this.#log = options.log;
    this.#names = new UpstreamNames((message) => this.#log.warn(message));
    this.#accessLog = new LogWriter(
      openSink(config.accessLog.sink, this.#log),
      (message) => this.#log.warn(message),
    );
    this.#lines = new LocalLog(this.#accessLog);
    this.#registry = new ParserRegistry([
      { path: options.builtInParsers, builtIn: true },
      ...config.parsers.folders.map((path) => ({ path, builtIn: false })),
    ]);
    this.#policy = new PolicySource(
      config,
      subjectsOf(config),
      () => createCatalog(this.#registry),
      readingOptions({ cluster: config.cluster }), // nobody speaks DNS here
    );
    this.#cluster = new Cluster({
      now: Date.now,
      info: (message) => this.#log.info(message),
      warn: (message) => this.#log.warn(message),
      changed: () => this.#clusterChanged(),
    });
    this.#engine = new Engine(this.#dataConfig(), {
      limit: connectionLimit(config.limits.connections, this.#log),
      policy: () => this.#policy.current,
      parser: (name) => this.#registry.get(name),
      addressOf: (hostname) => this.#names.addresses[hostname]?.[0],
      log: this.#lines.take,
      warn: (message) => this.#log.warn(message),
      now: () => performance.timeOrigin + performance.now(),
    });
  }

  /**
   * Loads parsers and policy, then binds every listener.
   *
   * @throws {ParleyError} when the policy is not whole, a listener's parser is
   *   not there or an address cannot be bound; nothing is left open then
   */
  static async start(
    config: Config,
    options: SidecarOptions,
  ): Promise<Sidecar> {
    if (config.controller) {
      throw new ParleyError("Cannot start", {
        blame: "operator",
        where: "controller",
        found: "the portable transport follows no controller",
        mend: "delete controller, or run on Linux",
      });
    }
    const secret = await readHashSecret(config);
    const sidecar = new Sidecar(config, options, secret);
    try {
      await sidecar.#cluster.follow(config);
      sidecar.#clusterChanged();
      await sidecar.#scanParsers();
      sidecar.#checkProtocols();
      await sidecar.#policy.load(options.log);
      sidecar.#warnUnguarded();
      await sidecar.#resolve();
      sidecar.#bind();
      sidecar.#watch();
      return sidecar;
    } catch (error) {
      await sidecar.#release();
      throw error;
    }
  }

  get listeners(): BoundListener[] {
    return this.#listeners.map(({ config, listener }) => ({
      config,
      address: formatAddress(listener.address),
    }));
  }

  get connections(): number {
    return this.#engine.connections;
  }

  countConnections(): Promise<number> {
    return Promise.resolve(this.connections);
  }

  /** What its operator may see and do. */
  get administered(): Administered {
    const engine = this.#engine;
    return new Administration({
      history: this.#history,
      ask: (question) =>
        Promise.resolve([
          question.about === "lines"
            ? this.#lines.last
            : answer(engine, question),
        ]),
      followLog: (filter) => Promise.resolve(this.#lines.follow(filter)),
      connections: () => engine.connections,
      versions: () => engine.versions(),
      measured: () => {
        return {
          traffic: engine.traffic.tally.counts,
          linesDropped: this.#accessLog.dropped,
          workers: [],
          workerDeaths: 0,
        };
      },
      policy: () => this.#policy.state,
      sources: () => this.#cluster.status(),
      status: () => this.#registry.status(),
      listeners: () =>
        this.listeners.map(({ config, address }) => {
          const { name, direction, l7proto } = config;
          const proto = l7proto === undefined ? {} : { l7proto };
          return { name, direction, state: "up", address, ...proto };
        }),
      knowledge: () => ({ ...this.#cluster.knowledge, names: [] }),
      config: () => this.#config,
      trace: (question) => this.#trace(question),
      faults: () => this.#isStopping ? [STOPPING] : [],
      stageAgain: (name) => {
        this.#registry.loadAgain(name);
        return this.reload();
      },
    });
  }

  async #trace(question: TraceQuestion): Promise<TraceReport> {
    const { traceInForce } = await import("./trace/in_force.ts");
    const { askedInProcess } = await import("./trace/in_process.ts");
    return await traceInForce(
      {
        policy: this.#policy.current,
        config: this.#config,
        knowledge: { ...this.#cluster.knowledge, names: [] },
      },
      question,
      askedInProcess(this.#registry),
    );
  }

  /** Reopens the access log, after a rotation. */
  reopenLog(): void {
    this.#accessLog.reopen();
  }

  /**
   * Reads parsers and policies again, as a change of their files does. One at a
   * time, so that an older reading never replaces a newer one. Never rejects.
   */
  reload(): Promise<void> {
    return this.#reloads = this.#reloads.then(() => this.#reload())
      .catch((error) => this.#log.warn(`cannot reload: ${error}`));
  }

  async #reload(): Promise<void> {
    // Whatever stands in a parsers folder, a tightened policy must take effect.
    await this.#scanParsers().catch((error) =>
      this.#log.warn(`cannot read the parsers: ${thrownText(error)}`)
    );
    if (await this.#policy.reload(this.#log)) {
      this.#log.info(
        `policy version ${this.#policy.current.version} is in force`,
      );
      this.#warnUnguarded();
      this.#engine.policyChanged();
    }
  }

  #clusterChanged(): void {
    this.#engine.configure(this.#dataConfig());
  }

  #dataConfig(): DataConfig {
    const { knowledge } = this.#cluster;
    return dataConfig(this.#config, knowledge, this.#hashSecret);
  }

  /** This kind of sidecar reads its parsers and policies again; another configuration takes a restart. Never rejects. */
  async reconfigure(config: Config): Promise<void> {
    if (JSON.stringify(config) !== JSON.stringify(this.#config)) {
      this.#log.warn(
        "the configuration has changed: the portable transport follows it after a restart",
      );
    }
    await this.reload();
  }

  /** Accepts no more, lets connections finish within `limits.drain`, then closes the rest. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    for (const { listener } of this.#listeners) listener.stop();
    const finished = Promise.all(
      this.#listeners.map(({ listener }) => listener.finished),
    );
    const timer = setTimeout(() => {
      this.#log.warn(
        `${this.connections} connections were still open after limits.drain and are closed`,
      );
      for (const { listener } of this.#listeners) listener.abort("drained");
    }, this.#config.limits.drain);
    await finished;
    clearTimeout(timer);
    await this.#release();
  }

  async #release(): Promise<void> {
    clearInterval(this.#resolving);
    for (const { listener } of this.#listeners) listener.stop();
    await Promise.all(
      this.#listeners.map(({ listener }) => listener.finished),
    );
    await Promise.all(this.#watches.map((watch) => watch.close()));
    await this.#cluster.close();
    await this.#reloads;
    await this.#registry.close();
    this.#lines.close();
    await this.#accessLog.close();
  }

  #bind(): void {
    const transport = createPortableTransport((message) =>
      this.#log.warn(message)
    );
    const { connectTimeout: connect, idleTimeout: idle } = this.#config.limits;
    for (const config of this.#config.listeners) {
      const open = this.#engine.opener(config);
      const listener = transport.listen(config.listen, { connect, idle }, open);
      this.#listeners.push({ config, listener });
    }
  }

  /** Upstreams that are configured by name: where they are, now and again. */
  async #resolve(): Promise<void> {
    const { listeners } = this.#config;
    if (namesOf(listeners).length === 0) return;
    this.#resolving ??= setInterval(() => this.#resolve(), RESOLVE_MS);
    this.#engine.learn(await this.#names.resolve(listeners));
    this.#engine.expire(Date.now());
  }

  async #scanParsers(): Promise<void> {
    const changes = await this.#registry.scan();
    if (changes.length > 0) this.#engine.parsersChanged();
    const now = new Date().toISOString();
    this.#history.follow(changes, this.#registry.status(), now);
    tellOfParsers(changes, this.#log);
  }

  /** Policies that select another workload guard nothing, which is seldom meant. */
  #warnUnguarded(): void {
    if (this.#config.policies.length === 0) return;
    const complaints = unguarded(
      subjectsOf(this.#config),
      this.#config.listeners,
      this.#policy.current,
    );
    for (const { message, mend } of complaints) {
      this.#log.warn(`${message}; ${mend}`);
    }
  }

  /** A listener whose parser is not there would refuse every connection. */
  #checkProtocols(): void {
    for (const { name, l7proto } of this.#config.listeners) {
      if (l7proto === undefined || this.#registry.get(l7proto)) continue;
      const loaded = createCatalog(this.#registry).names();
      throw new ParleyError("Cannot start", {
        blame: "operator",
        where: `listener ${name}`,
        found: `no parser named ${quote(l7proto)} is loaded`,
        mend: nearMiss(l7proto, loaded) ?? `use ${oneOf(loaded)}`,
      });
    }
  }

  #watch(): void {
    const paths = [...this.#config.parsers.folders, ...this.#config.policies];
    this.#watches.push(watch(paths, () => this.reload()));
  }
}
