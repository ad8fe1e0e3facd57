/**
 * One proxied connection: it asks the policy who may pass, gives the bytes to a
 * parser's stream (or straight through where no parser is named), and writes
 * the access log.
 *
 * @module
 */
import type {
  Decision,
  Endpoint,
  Fields,
  Parser,
  Shared,
} from "parley/proxylib";
import type { Denied, Peer } from "../../policy/mod.ts";
import type { Entry } from "../accesslog/format.ts";
import type { ConnectionState } from "../administered.ts";
import type { ConnectionCounter } from "../counting/traffic.ts";
import { beatFor } from "../heartbeat.ts";
import { isAudited } from "../matcher.ts";
import { beginCall, endCall, failedCall } from "../parser_call.ts";
import type { ParserUsage } from "../parser_usage.ts";
import type { LoadedParser } from "../registry/registry.ts";
import { thrownPlace, thrownStack } from "../thrown.ts";
import type { Movable } from "../transport/epoll/moved.ts";
import {
  type Accepted,
  type End,
  formatAddress,
  type Link,
  type Session,
} from "../transport/transport.ts";
import { versionText } from "../versions.ts";
import type { Route, SessionContext } from "./context.ts";
import type { MovedSession, MovedStream } from "./moved.ts";
import { type Asked, ParserConnection } from "./parser_connection.ts";
import { type Recorded, SessionRecord } from "./record.ts";
import { Standing } from "./standing.ts";
import { type Failure, panic, type Sink, Stream } from "./stream.ts";
import { restore, takesOver } from "./take_over.ts";

/** The proxy's side of one connection. */
export class ProxySession implements Session, Movable, Sink, Asked {
  readonly #id: number;
  readonly #context: SessionContext;
  readonly #route: Route;
  readonly #accepted: Accepted;
  readonly #link: Link;
  readonly #counts: ConnectionCounter;
  readonly #standing: Standing;
  #started: number;
  /** The protocol that the bytes are read as; nothing: they pass unread. */
  #proto: string | undefined;
  #parser: LoadedParser | undefined;
  // Made when they are first needed: a connection that says nothing costs little.
  #stream: Stream | undefined;
  #connection: ParserConnection | undefined;
  #shared: Shared | undefined;
  #record: SessionRecord | undefined;
  #bytesForward = 0;
  #bytesReply = 0;
  /** Why Parley itself ends the connection. */
  #failure:
    | { readonly verdict: "denied" | "error"; readonly reason: string }
    | undefined;

  /** Another process is asked to take it over, or it comes from one: nothing happens to it here. */
  #isAway = false;
  /** What reads it once it goes on here. */
  #restored: Parser | undefined;

  /** Whether replies still pass after a failure. */
  #repliesDue = false;
  #isStopped = false;
  /** Why the connection would have ended, were it not for audit mode. */
  #audited: string | undefined;

  /** `id` is unique in the process. */
  constructor(
    id: number,
    context: SessionContext,
    route: Route,
    accepted: Accepted,
    link: Link,
  ) {
    this.#id = id;
    this.#context = context;
    this.#route = route;
    this.#accepted = accepted;
    this.#link = link;
    this.#counts = context.traffic.connections(context.direction);
    this.#started = context.now();
    this.#standing = new Standing(context, route, accepted);
    this.#proto = this.#standing.proto;
    this.#parser = this.#proto === undefined
      ? undefined
      : context.parser(this.#proto);
  }

  /** Whether the connection may open; if not, the log says why. */
  admit(): boolean {
    const { access } = this.#standing;
    if (access.verdict === "denied") this.#denyAccess(access, {});
    const isUnread = this.#proto !== undefined && !this.#parser;
    if (isUnread && (access.verdict === "allowed" || isAudited(access))) {
      const status = `no parser named ${this.#proto} is loaded`;
      this.#deny("unknown-parser", { status });
    }
    return this.#failure === undefined;
  }

  /** Refuses the connection before it opens, for a reason of the sidecar's own. */
  reject(reason: string, status: string): void {
    this.#refuse("denied", reason, { status });
    this.#link.close("refused");
  }

  /** Another policy, or other identities, are in force: the connection is judged again at once. */
  policyChanged(): void {
    if (this.#failure || this.#isAway) return;
    this.#record?.timePasses();
    const standing = this.#standing;
    const { labels } = standing.peer;
    standing.judgeAgain();
    const { access, peer, proto } = standing;
    if (peer.labels !== labels) this.#record?.follow(this.#facts);
    if (access.verdict === "denied") {
      const status = "the policy in force denies this connection";
      this.#denyAccess(access, { status });
      if (!isAudited(access)) return;
    }
    if (proto !== undefined && proto !== this.#proto) {
      const status =
        `the policy in force wants these bytes read as ${proto}, from the first one on`;
      this.#deny("parser-changed", { status });
    }
  }

  /**
   * Another version of the parser may serve. A connection moves to it if the
   * one can say what it remembers and the other take it over; else it finishes
   * on the version it has.
   */
  parserChanged(): void {
    const next = this.#proto && this.#context.parser(this.#proto);
    if (!this.#parser || !next || next === this.#parser) return;
    if (this.#failure || this.#isAway) return;
    this.#record?.timePasses();
    beatFor(this.#id, this.#parser.usage.number);
    if (!this.#stream) this.#adopt(next);
    else if (takesOver(next.definition)) this.#migrate(this.#stream, next);
    this.#link.changed();
  }

  #adopt(parser: LoadedParser): void {
    this.#parser = parser;
    this.#standing.rest();
    this.#record?.follow(this.#facts);
  }

  #migrate(stream: Stream, next: LoadedParser): void {
    const state = stream.snapshot();
    if (state === undefined) return;
    const before = this.#parser!;
    const connection = new ParserConnection(this, false);
    try {
      beatFor(this.#id, next.usage.number);
      const reader = restore(next, connection, state, before.version);
      this.#adopt(next);
      ParserConnection.putInCharge(this.#connection!, false);
      ParserConnection.putInCharge(connection, true);
      this.#connection = connection;
      stream.replace(reader);
    } catch (cause) {
      this.#context.notRestored(before, next, cause);
    }
  }

  // From one process to another.

  suspend(): MovedSession | undefined {
    if (this.#failure || this.#isAway) return undefined;
    const stream = this.#stream?.toMove();
    if (this.#stream && !stream) return undefined;
    this.#isAway = true;
    return {
      id: this.#id,
      started: this.#started,
      bytesForward: this.#bytesForward,
      bytesReply: this.#bytesReply,
      accepted: this.#accepted,
      upstream: this.#route.upstream,
      names: this.#standing.peer.names ?? [],
      audited: this.#audited,
      proto: this.#proto,
      parser: this.#parser?.version,
      requests: this.#record?.requestsToMove() ?? [],
      stream,
    };
  }

  stay(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.policyChanged();
    this.parserChanged();
    const restored = this.#restored;
    this.#restored = undefined;
    if (!restored || this.#failure) return;
    beatFor(this.#id, this.#parser!.usage.number);
    this.#stream!.replace(restored);
  }

  moved(): void {
    this.#context.ended(this);
  }

  /** Stands where a session of another process stood, until `stay`. Throws if it cannot. */
  restore(moved: MovedSession): void {
    this.#isAway = true;
    this.#started = moved.started;
    this.#bytesForward = moved.bytesForward;
    this.#bytesReply = moved.bytesReply;
    this.#audited = moved.audited;
    this.#proto = moved.proto;
    this.#parser = moved.proto === undefined
      ? undefined
      : this.#context.parser(moved.proto);
    if (moved.proto !== undefined && !this.#parser) {
      throw new Error(`no parser named ${moved.proto} is loaded`);
    }
    if (moved.stream) this.#restoreStream(moved.stream, moved.parser!);
    if (moved.requests.length > 0) {
      this.#recorded.restoreRequests(moved.requests);
    }
  }

  #restoreStream(moved: MovedStream, version: string): void {
    const parser = this.#parser!;
    const { name, definition, usage } = parser;
    beatFor(this.#id, usage.number);
    if (!takesOver(definition)) throw new Error(`${name} takes nothing over`);
    const connection = new ParserConnection(this, false);
    const reader = restore(parser, connection, moved.snapshot, version);
    ParserConnection.putInCharge(connection, true);
    this.#connection = connection;
    this.#restored = reader;
    this.#stream = new Stream(reader, this, this.#context.frameBytes);
    this.#stream.restore(moved);
  }

  /** The version that reads the bytes; nothing: they pass unread. */
  get parser(): LoadedParser | undefined {
    return this.#parser;
  }

  /** Whose identity the policy asks for. */
  get peer(): Peer {
    return this.#standing.peer;
  }

  /** Whether the parser threw. */
  get panicked(): boolean {
    return this.#failure?.reason === "panic";
  }

  /** What the operator is shown of it. */
  describe(): ConnectionState {
    const { listener, direction, now } = this.#context;
    return {
      id: this.#id,
      listener,
      direction,
      source: formatAddress(this.#accepted.source),
      destination: formatAddress(this.#route.upstream),
      ...(this.#proto === undefined ? {} : { l7proto: this.#proto }),
      ...(this.#parser ? { parser: versionText(this.#parser) } : {}),
      ageMs: Math.max(0, Math.round(now() - this.#started)),
      bytesForward: this.#bytesForward,
      bytesReply: this.#bytesReply,
    };
  }

  /** The operator ends the connection; false if that is under way already, or it is on its way to another process. */
  stop(): boolean {
    if (this.#isStopped || this.#isAway) return false;
    this.#isStopped = true;
    this.#link.close("operator");
    return true;
  }

  /** Memory is short, and this is where it goes. */
  shed(status: string): void {
    if (this.#failure || this.#isAway) return;
    this.#record?.timePasses();
    this.#refuse("error", "memory", { status });
    this.#stream = undefined;
    this.#link.close("refused");
  }

  /** Nothing has happened for a while: lets go of what can be made again. */
  rest(): void {
    this.#standing.rest();
    if (this.#record?.isAwaiting === false) this.#record = undefined;
  }

  feed(reply: boolean, bytes: Uint8Array, end: boolean): void {
    this.#record?.timePasses();
    if (this.#failure && !this.#repliesDue) return;
    if (this.#parser) {
      const { usage } = this.#parser;
      beatFor(this.#id, usage.number);
      this.#stream ??= this.#read(this.#parser);
      this.#stream?.feed(reply, bytes, end);
      if (reply && this.#stream?.served) usage.served = true;
      return;
    }
    if (bytes.length > 0) this.write(reply, bytes);
    if (end) this.end(reply);
  }

  /** What has become of the parser's version that reads the bytes. */
  get usage(): ParserUsage | undefined {
    return this.#parser?.usage;
  }

  get reader(): object | undefined {
    return this.#parser?.definition;
  }

  get answers(): boolean {
    return this.#parser !== undefined;
  }

  paused(reply: boolean): boolean {
    return this.#stream?.paused(reply) ?? false;
  }

  closed(end: End, detail?: string): void {
    // What Parley refuses has said why; if it has not, that is a defect.
    const broken = BROKEN.has(end) || (end === "refused" && !this.#failure);
    this.#record?.timePasses();
    const record = this.#recorded;
    this.#counts.ended(end);
    record.endRequests();
    record.write({
      type: "connection",
      verdict: this.#failure?.verdict ??
        (broken ? "error" : this.#audited ? "audit" : "forwarded"),
      reason: this.#failure?.reason ?? (broken ? end : this.#audited),
      fields: {
        bytesForward: this.#bytesForward,
        bytesReply: this.#bytesReply,
        durationMs: Math.round(record.now - this.#started),
        end,
        ...(detail === undefined ? {} : { status: detail }),
      },
    });
    this.#context.ended(this);
  }

  write(reply: boolean, bytes: Uint8Array): void {
    const { length } = bytes;
    if (reply) {
      this.#bytesReply += length;
      this.#counts.bytesReply.value += length;
    } else {
      this.#bytesForward += length;
      this.#counts.bytesForward.value += length;
    }
    this.#link.write(reply, bytes);
  }

  end(reply: boolean): void {
    this.#link.end(reply);
  }

  partial(reply: boolean, bytes: number): void {
    this.#log({
      type: "connection",
      verdict: "error",
      reason: "partial-frame",
      fields: {
        status: `${
          reply ? "server" : "client"
        } ended inside a frame; ${bytes} bytes were not forwarded`,
      },
    });
  }

  fail({ reason, detail, cause }: Failure, repliesDue: boolean): void {
    if (reason === "panic") this.#parser?.usage.panicked();
    this.#refuse("error", reason, this.#told(reason, detail, cause));
    this.#repliesDue = repliesDue;
    if (repliesDue) this.#link.drain("refused");
    else this.#link.close("refused");
  }

  /** What the log says of a failure. Where fields are hashed, nothing is quoted that a parser has thrown. */
  #told(reason: string, detail: string, cause: unknown): Fields {
    if (reason === "panic" && this.#context.hasher) {
      const status = `Panic: not quoted (accessLog.hash), ${
        thrownPlace(cause)
      }`;
      return { status };
    }
    const stack = thrownStack(cause);
    return { status: detail, ...(stack === undefined ? {} : { stack }) };
  }

  repliesDone(): void {
    this.#link.close("refused");
  }

  /** Puts a parser in front of the bytes; nothing if it fails at once. */
  #read({ definition }: LoadedParser): Stream | undefined {
    this.#connection = new ParserConnection(this, true);
    beginCall();
    try {
      const reader = definition.create(this.#connection);
      endCall();
      return new Stream(reader, this, this.#context.frameBytes);
    } catch (cause) {
      this.fail(panic("while it was created", failedCall(cause)), false);
      return undefined;
    }
  }

  // What the parser may know and ask for, through its connection.

  get id(): number {
    return this.#id;
  }

  get direction(): "ingress" | "egress" {
    return this.#context.direction;
  }

  get source(): Endpoint {
    return this.#recorded.ends.source;
  }

  get destination(): Endpoint {
    return this.#recorded.ends.destination;
  }

  get port(): number {
    return this.#route.port;
  }

  matches(request: unknown): Decision {
    return this.#standing.decide(this.#parser!.definition, request);
  }

  inject(reply: boolean, bytes: Uint8Array): void {
    this.#stream?.inject(reply, bytes, this.#link.queued(reply));
  }

  get frameBytes(): number {
    return this.#context.frameBytes;
  }

  get shared(): Shared {
    const { upstream } = this.#route;
    return this.#shared ??= this.#context.shared(
      this.#proto!,
      formatAddress(upstream),
    );
  }

  get logsResponses(): boolean {
    return this.#context.logResponses;
  }

  logRequest(entry: Entry, asked: unknown): number {
    const record = this.#recorded;
    if (entry.type !== "response") return record.request(entry);
    const latency = record.answered(asked);
    if (this.#context.logResponses) record.write({ ...entry, latency });
    return 0;
  }

  answered(asked: unknown): void {
    this.#recorded.answered(asked);
  }

  get #audits(): boolean {
    return this.#context.mode === "audit";
  }

  /** Denies the connection as the policy says; where a document in audit mode is all that denies, says so. */
  #denyAccess(access: Denied, fields: Fields): void {
    const { reason, rule, closedBy } = access;
    const isAudit = this.#audits || isAudited(access);
    if (isAudit) this.#audit(reason, fields, rule ?? closedBy);
    else this.#deny(reason, fields, rule);
  }

  /** Denies the connection; in audit mode says that it would be. */
  #deny(reason: string, fields: Fields, rule?: string): void {
    if (this.#audits) {
      this.#audit(reason, fields, rule);
    } else {
      this.#refuse("denied", reason, fields, rule);
      this.#link.close("refused");
    }
  }

  /** Says once what enforcing would have done once; the first cause counts. */
  #audit(reason: string, fields: Fields, rule: string | undefined): void {
    if (this.#audited !== undefined) return;
    this.#audited = reason;
    this.#log({ type: "connection", verdict: "audit", rule, reason, fields });
  }

  /** Notes why Parley itself ends the connection; the first cause counts. */
  #refuse(
    verdict: "denied" | "error",
    reason: string,
    fields: Fields,
    rule?: string,
  ): void {
    if (this.#failure) return;
    this.#failure = { verdict, reason };
    this.#counts.refused(verdict === "denied" ? verdict : "failed", reason);
    this.#log({ type: "connection", verdict, rule, reason, fields });
  }

  #log(entry: Entry): void {
    this.#recorded.write(entry);
  }

  get #recorded(): SessionRecord {
    return this.#record ??= new SessionRecord(this.#facts);
  }

  get #facts(): Recorded {
    return {
      id: this.#id,
      context: this.#context,
      route: this.#route,
      accepted: this.#accepted,
      peer: this.#standing.peer,
      proto: this.#proto,
      parser: this.#parser,
    };
  }
}

/** Ends that are somebody's failure. */
const BROKEN: ReadonlySet<End> = new Set([
  "client-reset",
  "upstream-reset",
  "upstream-unreachable",
  "connect-timeout",
]);
