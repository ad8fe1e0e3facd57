/**
 * The data path of one process, whatever moves its bytes: who may connect,
 * where to, and what every open connection is told when policy or
 * configuration change.
 *
 * @module
 */
import { parseAddress } from "../policy/cidr.ts";
import { canonical, DnsCache, type Lease } from "../policy/dns_cache.ts";
import { createIdentities, type Identities } from "../policy/identity.ts";
import type { CompiledPolicy, Subject } from "../policy/model.ts";
import type { TakeLine } from "./accesslog/format.ts";
import type { ListenerConfig } from "./config/mod.ts";
import { FieldHasher } from "./accesslog/hashed_fields.ts";
import { Traffic } from "./counting/traffic.ts";
import type { DataConfig } from "./data_config.ts";
import type { MovedSession } from "./session/moved.ts";
import type { LoadedParser } from "./registry/registry.ts";
import type { Route, SessionContext } from "./session/context.ts";
import { ProxySession } from "./session/session.ts";
import { SharedStores } from "./session/shared.ts";
import { thrownText } from "./thrown.ts";
import type { Accepted, Address, Link, Opened } from "./transport/transport.ts";
import { type VersionCount, VersionCounts, versionText } from "./versions.ts";
import { Workloads } from "./workloads.ts";

/** What an engine is given by the process around it. */
export interface EngineOptions {
  /** Most connections at a time. */
  readonly limit: number;
  /** Connections are numbered from the next number on. */
  readonly lastConnection?: number;
  policy(): CompiledPolicy;
  /** The version of a parser that serves new connections. */
  parser(name: string): LoadedParser | undefined;
  /** The address of an upstream that is configured by name. */
  addressOf(hostname: string): string | undefined;
  readonly log: TakeLine;
  warn(message: string): void;
  /** Milliseconds since the epoch, with a fraction. */
  now(): number;
}

/** Opens sessions, and reaches those that are open. */
export class Engine {
  readonly #options: EngineOptions;
  /** What its connections have counted. */
  readonly traffic = new Traffic();
  readonly #sessions = new Set<ProxySession>();
  readonly #contexts = new WeakMap<ListenerConfig, SessionContext>();
  /** Of connections that are over. */
  readonly #panics = new VersionCounts();
  /** Which names lead to an address; what a connection uses does not expire. */
  readonly #dns = new DnsCache();
  #config: DataConfig;
  #identities: Identities;
  #workloads: Workloads;
  #hasher: FieldHasher | undefined;
  #lastConnection: number;
  #accepted = 0;
  /** At the last change of parsers: what could not be taken over, and why. */
  readonly #unrestored = new Map<string, { count: number; cause: string }>();

  constructor(config: DataConfig, options: EngineOptions) {
    this.#options = options;
    this.#config = config;
    this.#identities = this.#identitiesOf(config);
    this.#workloads = new Workloads(config);
    this.#hasher = hasherOf(config);
    this.#lastConnection = options.lastConnection ?? 0;
  }

  /** Open connections. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Connections ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Open connections, oldest first. */
  get sessions(): Iterable<ProxySession> {
    return this.#sessions;
  }

  /** Open connections and panics by version. */
  versions(): VersionCount[] {
    const connections = new Map<LoadedParser, number>();
    for (const { parser } of this.#sessions) {
      if (!parser) continue;
      connections.set(parser, (connections.get(parser) ?? 0) + 1);
    }
    const counts = new VersionCounts();
    for (const count of this.#panics.all) counts.add(count);
    for (const [{ name, version }, open] of connections) {
      counts.add({ name, version, connections: open, panics: 0 });
    }
    return counts.all;
  }

  /** Closes all connections of a parser's version, for memory is short; how many they were. */
  shed(version: number, status: string): number {
    const sessions = [...this.#sessions]
      .filter(({ usage }) => usage?.number === version);
    for (const session of sessions) session.shed(status);
    return sessions.length;
  }

  /** Follows another configuration; open connections keep their upstream and their workload. */
  configure(config: DataConfig): void {
    this.#config = config;
    this.#identities = this.#identitiesOf(config);
    this.#workloads = new Workloads(config);
    this.#hasher = hasherOf(config);
    this.policyChanged();
  }

  /** Learns which names lead where. */
  learn(leases: readonly Lease[]): void {
    this.#dns.take(leases);
    this.#namesChanged();
  }

  /** Forgets what counted until then, in milliseconds since the epoch, and no connection uses. */
  expire(until: number): void {
    this.#dns.expire(until);
    this.#namesChanged();
  }

  /** Names of an address count while a connection is there: those too that it was known by elsewhere. */
  #hold({ direction, peer }: ProxySession, names: readonly string[] = []) {
    if (direction !== "egress") return; // only there policies speak of names
    this.#dns.opened(peer.address);
    const address = canonical(peer.address);
    if (address === undefined || names.length === 0) return;
    this.#dns.take(names.map((name) => ({ name, address, until: 0 })));
    this.#dns.expire(0);
  }

  #release({ direction, peer }: ProxySession): void {
    if (direction === "egress") this.#dns.closed(peer.address);
  }

  #namesChanged(): void {
    const changed = this.#dns.takeChanged();
    if (changed.size === 0) return;
    for (const session of this.#sessions) {
      if (changed.has(canonical(session.peer.address) ?? "")) {
        session.policyChanged();
      }
    }
  }

  #identitiesOf({ identities, cluster }: DataConfig): Identities {
    return createIdentities(identities, {
      ...cluster,
      namesOf: (address) => this.#dns.namesOf(address),
    });
  }

  /** Tells open connections that another policy is in force. */
  policyChanged(): void {
    for (const session of this.#sessions) session.policyChanged();
  }

  /** Tells open connections that parsers have changed. */
  parsersChanged(): void {
    this.#unrestored.clear();
    for (const session of this.#sessions) session.parserChanged();
    for (const [what, { count, cause }] of this.#unrestored) {
      this.#options.warn(
        `${count} connections stay with ${what} could not take them over: ${cause}`,
      );
    }
  }

  #notRestored(from: LoadedParser, to: LoadedParser, cause: unknown): void {
    const what = `parser ${versionText(from)}, as ${versionText(to)}`;
    const known = this.#unrestored.get(what);
    if (known) known.count++;
    else this.#unrestored.set(what, { count: 1, cause: thrownText(cause) });
  }

  /** Nothing has happened for a while: idle connections let go of what they can. */
  rest(): void {
    for (const session of this.#sessions) session.rest();
  }

  /** What opens the connections of a listener. */
  opener(
    listener: ListenerConfig,
  ): (accepted: Accepted, link: Link) => Opened | undefined {
    const context = this.#contextOf(listener);
    return (accepted, link) => this.#open(listener, context, accepted, link);
  }

  /** Makes the session of a connection that comes from another process. Throws if it cannot go on here. */
  adopt(
    listener: ListenerConfig,
    moved: MovedSession,
    link: Link,
  ): ProxySession {
    const { accepted, upstream } = moved;
    const { destination, source } = accepted;
    const subject = this.#workloads.of(
      listener.direction === "ingress" ? destination : source,
    );
    // Nobody's labels are selected by no policy: it would be let through.
    if (!subject) throw new Error("none of the endpoints has its address");
    const route = { ...routeOf(listener, subject, accepted), upstream };
    const context = this.#contextOf(listener);
    const session = new ProxySession(moved.id, context, route, accepted, link);
    this.#hold(session, moved.names);
    try {
      session.restore(moved);
    } catch (error) {
      this.#release(session);
      throw error;
    }
    this.#sessions.add(session);
    return session;
  }

  #contextOf(listener: ListenerConfig): SessionContext {
    const known = this.#contexts.get(listener);
    if (known) return known;
    const context = this.#context(listener);
    this.#contexts.set(listener, context);
    return context;
  }

  #context({ name, direction, l7proto }: ListenerConfig): SessionContext {
    const options = this.#options;
    const config = () => this.#config;
    const hasher = () => this.#hasher;
    const stores = new SharedStores();
    return {
      listener: name,
      direction,
      l7proto,
      get mode() {
        return config().mode;
      },
      get logResponses() {
        return config().logResponses;
      },
      get hasher() {
        return hasher();
      },
      get frameBytes() {
        return config().limits.frameBytes;
      },
      policy: () => options.policy(),
      peerOf: (address) => this.#identities.peerOf(address),
      parser: (name) => options.parser(name),
      shared: (parser, upstream) => stores.of(parser, upstream),
      now: () => options.now(),
      log: options.log,
      traffic: this.traffic,
      notRestored: (...versions) => this.#notRestored(...versions),
      ended: (session) => this.#ended(session),
    };
  }

  #ended(session: ProxySession): void {
    this.#sessions.delete(session);
    this.#release(session);
    const { parser, panicked } = session;
    if (!parser || !panicked) return;
    const { name, version } = parser;
    this.#panics.add({ name, version, connections: 0, panics: 1 });
  }

  #open(
    listener: ListenerConfig,
    context: SessionContext,
    accepted: Accepted,
    link: Link,
  ): Opened | undefined {
    const { destination, source, isOwn } = accepted;
    const workload = this.#workloads.of(
      listener.direction === "ingress" ? destination : source,
    );
    const written = routeOf(listener, workload ?? NOBODY, accepted);
    const upstream = this.#addressed(written.upstream);
    // The policy asks who is at the other end by its address: one is judged and dialled.
    const isEgress = listener.direction === "egress";
    const route = isEgress && upstream ? { ...written, upstream } : written;
    const id = ++this.#lastConnection;
    const session = new ProxySession(id, context, route, accepted, link);
    const { limit } = this.#options;
    this.#hold(session);
    this.#accepted++;
    this.traffic.connections(context.direction).opened.value++;
    if (this.#sessions.size >= limit) {
      session.reject("limit", `limits.connections (${limit}) are open`);
    } else if (listener.transparent && isOwn) {
      session.reject(
        "not-redirected",
        "a transparent listener takes redirected connections only: going on would lead back to it",
      );
    } else if (!workload) {
      session.reject(
        "unknown-endpoint",
        "none of the endpoints in the configuration has this address",
      );
    } else if (isEgress && !upstream) {
      session.reject("unresolved", "the name of the upstream has no address");
    }
    if (!session.admit()) {
      session.closed("refused");
      return undefined;
    }
    this.#sessions.add(session);
    const dialled = upstream ?? written.upstream;
    return listener.transparent === "tproxy"
      ? { session, upstream: dialled, from: source }
      : { session, upstream: dialled };
  }

  /** An upstream by address; nothing if its name has none now. */
  #addressed(upstream: Address): Address | undefined {
    if (upstream.transport === "unix" || parseAddress(upstream.hostname)) {
      return upstream;
    }
    const hostname = this.#options.addressOf(upstream.hostname);
    return hostname === undefined ? undefined : { ...upstream, hostname };
  }
}

function hasherOf({ hashed }: DataConfig): FieldHasher | undefined {
  return hashed && new FieldHasher(hashed);
}

/** A connection of no workload, for the log line that refuses it. */
const NOBODY: Subject = { labels: [] };

function routeOf(
  { upstream, port }: ListenerConfig,
  subject: Subject,
  { destination }: Accepted,
): Route {
  return {
    subject,
    port: port ?? destination.port,
    upstream: upstream === "original-dst"
      ? { transport: "tcp", ...destination }
      : upstream,
  };
}
