/**
 * The running sidecar: listeners, the policy and the parsers in force, the
 * access log, and how they follow their files.
 *
 * @module
 */
import { ParleyError } from "parley/proxylib";
import {
  createIdentities,
  endpointLabels,
  type Identities,
  type Subject,
} from "../policy/mod.ts";
import { nearMiss, oneOf, quote } from "../policy/problem.ts";
import { openSink } from "./accesslog/sinks.ts";
import { LogWriter } from "./accesslog/writer.ts";
import type { Config, ListenerConfig } from "./config/mod.ts";
import { createCatalog } from "./registry/catalog.ts";
import { ParserRegistry } from "./registry/registry.ts";
import { PolicySource } from "./policy_source.ts";
import { ProxySession, type SessionContext } from "./session.ts";
import { createPortableTransport } from "./transport/portable.ts";
import {
  type Accepted,
  formatAddress,
  type Link,
  type Listener,
  type Open,
} from "./transport/transport.ts";
import { thrownText } from "./thrown.ts";
import { type Watch, watch } from "./watch.ts";

/** Where the sidecar reports what is not about one connection. */
export interface OperatorLog {
  info(message: string): void;
  warn(message: string): void;
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

/** Descriptors that are not sockets of proxied connections. */
const RESERVED_DESCRIPTORS = 64;

/** All of a sidecar's parts. */
export class Sidecar {
  readonly #config: Config;
  readonly #log: OperatorLog;
  readonly #accessLog: LogWriter;
  readonly #registry: ParserRegistry;
  readonly #policy: PolicySource;
  readonly #identities: Identities;
  readonly #subject: Subject;
  readonly #sessions = new Set<ProxySession>();
  readonly #limit: number;
  #listeners: { config: ListenerConfig; listener: Listener }[] = [];
  #watches: Watch[] = [];
  #reloads: Promise<void> = Promise.resolve();
  #lastConnection = 0;

  private constructor(config: Config, options: SidecarOptions) {
    this.#config = config;
    this.#log = options.log;
    this.#accessLog = new LogWriter(
      openSink(config.accessLog.sink, this.#log),
      (message) => this.#log.warn(message),
    );
    this.#registry = new ParserRegistry([
      { path: options.builtInParsers, builtIn: true },
      ...config.parsers.folders.map((path) => ({ path, builtIn: false })),
    ]);
    const { labels, namespace } = config.endpoint;
    this.#subject = { labels: endpointLabels(labels, namespace) };
    this.#identities = createIdentities(config.identities);
    this.#policy = new PolicySource(
      config.policies,
      this.#subject,
      () => createCatalog(this.#registry),
    );
    this.#limit = connectionLimit(config.limits.connections, this.#log);
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
    const sidecar = new Sidecar(config, options);
    try {
      await sidecar.#scanParsers();
      sidecar.#checkProtocols();
      await sidecar.#policy.load(options.log);
      sidecar.#warnUnguarded();
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
    return this.#sessions.size;
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
    }
    for (const session of this.#sessions) session.policyChanged();
  }

  /** Accepts no more, lets connections finish within `limits.drain`, then closes the rest. */
  async drain(): Promise<void> {
    for (const { listener } of this.#listeners) listener.stop();
    const finished = Promise.all(
      this.#listeners.map(({ listener }) => listener.finished),
    );
    const timer = setTimeout(() => {
      this.#log.warn(
        `${this.#sessions.size} connections were still open after limits.drain and are closed`,
      );
      for (const { listener } of this.#listeners) listener.abort("drained");
    }, this.#config.limits.drain);
    await finished;
    clearTimeout(timer);
    await this.#release();
  }

  async #release(): Promise<void> {
    for (const { listener } of this.#listeners) listener.stop();
    await Promise.all(
      this.#listeners.map(({ listener }) => listener.finished),
    );
    await Promise.all(this.#watches.map((watch) => watch.close()));
    await this.#reloads;
    await this.#registry.close();
    await this.#accessLog.close();
  }

  #bind(): void {
    const transport = createPortableTransport((message) =>
      this.#log.warn(message)
    );
    const { connectTimeout: connect, idleTimeout: idle } = this.#config.limits;
    for (const config of this.#config.listeners) {
      const open = this.#opener(config);
      const listener = transport.listen(config.listen, { connect, idle }, open);
      this.#listeners.push({ config, listener });
    }
  }

  #opener(config: ListenerConfig): Open {
    const { mode, limits, accessLog } = this.#config;
    const context: SessionContext = {
      direction: config.direction,
      upstream: config.upstream,
      port: config.port,
      l7proto: config.l7proto,
      subject: this.#subject,
      mode,
      logResponses: accessLog.responses,
      frameBytes: limits.frameBytes,
      policy: () => this.#policy.current,
      peerOf: (address) => this.#identities.peerOf(address),
      parser: (name) => this.#registry.get(name),
      now: () => performance.timeOrigin + performance.now(),
      log: (line) => this.#accessLog.write(line),
      ended: (session) => this.#sessions.delete(session),
    };
    return (accepted, link) => this.#open(context, accepted, link);
  }

  #open(
    context: SessionContext,
    accepted: Accepted,
    link: Link,
  ): ReturnType<Open> {
    const session = new ProxySession(
      ++this.#lastConnection,
      context,
      accepted,
      link,
    );
    if (this.#sessions.size >= this.#limit) {
      session.reject("limit", `limits.connections (${this.#limit}) are open`);
    }
    if (!session.admit()) {
      session.closed("refused");
      return undefined;
    }
    this.#sessions.add(session);
    return { session, upstream: context.upstream };
  }

  async #scanParsers(): Promise<void> {
    const changes = await this.#registry.scan();
    for (const { name, kind, version, error } of changes) {
      if (kind === "loaded") {
        this.#log.info(`parser ${name}@${version} serves new connections`);
      } else if (kind === "removed") {
        this.#log.warn(
          `parser ${name} is gone: new connections that need it are refused`,
        );
      } else this.#log.warn(error!);
    }
  }

  /** Policies that select another workload guard nothing, which is seldom meant. */
  #warnUnguarded(): void {
    if (this.#config.policies.length === 0) return;
    for (const { name, direction } of this.#config.listeners) {
      if (this.#policy.current.guards(this.#subject, direction)) continue;
      const { message, mend } = unguarded(name, direction, this.#subject);
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

/** The configured limit, lowered to what the system's open-file limit allows: two descriptors a connection. */
function connectionLimit(configured: number, log: OperatorLog): number {
  const files = openFileLimit();
  if (files === undefined) return configured;
  const possible = Math.max(1, Math.floor((files - RESERVED_DESCRIPTORS) / 2));
  if (possible >= configured) return configured;
  log.warn(
    `limits.connections is ${configured}, but the open-file limit of ${files} allows ${possible}; raise it with ulimit -n`,
  );
  return possible;
}

function openFileLimit(): number | undefined {
  try {
    const limits = Deno.readTextFileSync("/proc/self/limits");
    const match = /^Max open files\s+(\d+)/m.exec(limits);
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined; // no such file but on Linux
  }
}

/** What to say of a listener that has policies, but none for its workload. */
export function unguarded(
  listener: string,
  direction: "ingress" | "egress",
  { labels }: Subject,
): { readonly message: string; readonly mend: string } {
  return {
    message: `listener ${listener}: no policy in force selects the workload ${
      labels.join(", ")
    } for ${direction}, so everything passes`,
    mend: "correct endpoint.labels or the endpointSelector",
  };
}
