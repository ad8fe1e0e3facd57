/**
 * One proxied connection: it asks the policy who may pass, gives the bytes to a
 * parser's stream (or straight through where no parser is named), and writes
 * the access log.
 *
 * @module
 */
import type {
  Connection,
  Decision,
  Endpoint,
  Fields,
  ParserDefinition,
} from "parley/proxylib";
import type { Access, CompiledPolicy, Peer, Subject } from "../policy/mod.ts";
import { type Entry, lineFormatter, Timestamps } from "./accesslog/format.ts";
import { createJudge, type Grant, type Judge, type Mode } from "./matcher.ts";
import type { LoadedParser } from "./registry/registry.ts";
import { type Failure, panic, type Sink, Stream } from "./stream.ts";
import { thrownStack } from "./thrown.ts";
import {
  type Accepted,
  type Address,
  type End,
  formatAddress,
  type Link,
  type Session,
} from "./transport/transport.ts";

/** What a session needs of the sidecar around it. */
export interface SessionContext {
  readonly direction: "ingress" | "egress";
  readonly upstream: Address;
  /** The port that the policy speaks of. */
  readonly port: number;
  /** The protocol to read when no policy names one. */
  readonly l7proto: string | undefined;
  /** The workload that is guarded. */
  readonly subject: Subject;
  readonly mode: Mode;
  /** Whether replies are logged too. */
  readonly logResponses: boolean;
  /** Most bytes held of a frame, per direction. */
  readonly frameBytes: number;
  policy(): CompiledPolicy;
  peerOf(address: string): Peer;
  parser(name: string): LoadedParser | undefined;
  /** Milliseconds since the epoch, with a fraction. */
  now(): number;
  log(line: string): void;
  /** The connection is over. */
  ended(session: ProxySession): void;
}

const timestamps = new Timestamps();

/** The proxy's side of one connection. */
export class ProxySession implements Session, Sink {
  readonly #id: number;
  readonly #context: SessionContext;
  readonly #link: Link;
  readonly #peer: Peer;
  readonly #source: Endpoint;
  readonly #destination: Endpoint;
  readonly #format: (time: string, entry: Entry) => string;
  readonly #started: number;
  /** The protocol that the bytes are read as; nothing: they pass unread. */
  readonly #proto: string | undefined;
  readonly #parser: LoadedParser | undefined;
  #stream: Stream | undefined;
  /** The time of what is going on now, if it was asked for: one for all requests of a read. */
  #time: string | undefined;
  #access: Access;
  #policyVersion: number;
  #judge: Judge | undefined;
  readonly #bytes: [forward: number, reply: number] = [0, 0];
  /** Why Parley itself ends the connection. */
  #failure:
    | { readonly verdict: "denied" | "error"; readonly reason: string }
    | undefined;

  /** Whether replies still pass after a failure. */
  #repliesDue = false;

  /** `id` is unique in the process. */
  constructor(
    id: number,
    context: SessionContext,
    accepted: Accepted,
    link: Link,
  ) {
    this.#id = id;
    this.#context = context;
    this.#link = link;
    this.#started = context.now();
    this.#peer = context.peerOf(peerAddress(context, accepted));
    [this.#source, this.#destination] = endpoints(
      context,
      accepted,
      this.#peer,
    );
    const policy = context.policy();
    this.#policyVersion = policy.version;
    this.#access = this.#resolve(policy);
    this.#proto = protocol(this.#access, context.l7proto);
    this.#parser = this.#proto === undefined
      ? undefined
      : context.parser(this.#proto);
    this.#format = lineFormatter({
      id,
      direction: context.direction,
      source: this.#source,
      destination: this.#destination,
      l7proto: this.#proto,
      parser: this.#parser && `${this.#parser.name}@${this.#parser.version}`,
    });
  }

  /** Whether the connection may open; if not, the log says why. */
  admit(): boolean {
    const access = this.#access;
    if (access.verdict === "denied") {
      this.#deny(access.reason, {}, access.rule);
    } else if (this.#proto !== undefined && !this.#parser) {
      const status = `no parser named ${this.#proto} is loaded`;
      this.#deny("unknown-parser", { status });
    }
    if (this.#parser && !this.#failure) this.#read(this.#parser);
    return this.#failure === undefined;
  }

  /** Refuses the connection before it opens, for a reason of the sidecar's own. */
  reject(reason: string, status: string): void {
    this.#refuse("denied", reason, { status });
    this.#link.close("refused");
  }

  /** A new policy is in force: the connection is judged again at once. */
  policyChanged(): void {
    const policy = this.#context.policy();
    if (policy.version === this.#policyVersion || this.#failure) return;
    this.#policyVersion = policy.version;
    this.#time = undefined;
    this.#access = this.#resolve(policy);
    this.#judge = undefined;
    if (this.#access.verdict === "denied") {
      const { reason, rule } = this.#access;
      const status = "the policy in force denies this connection";
      this.#deny(reason, { status }, rule);
      return;
    }
    const proto = protocol(this.#access, this.#context.l7proto);
    if (proto !== undefined && proto !== this.#proto) {
      const status =
        `the policy in force wants these bytes read as ${proto}, from the first one on`;
      this.#deny("parser-changed", { status });
    }
  }

  feed(reply: boolean, bytes: Uint8Array, end: boolean): void {
    this.#time = undefined;
    if (this.#failure && !this.#repliesDue) return;
    if (this.#stream) return this.#stream.feed(reply, bytes, end);
    if (bytes.length > 0) this.write(reply, bytes);
    if (end) this.end(reply);
  }

  get answers(): boolean {
    return this.#stream !== undefined;
  }

  paused(reply: boolean): boolean {
    return this.#stream?.paused(reply) ?? false;
  }

  closed(end: End, detail?: string): void {
    // What Parley refuses has said why; if it has not, that is a defect.
    const broken = BROKEN.has(end) || (end === "refused" && !this.#failure);
    this.#time = undefined;
    this.#log({
      type: "connection",
      verdict: this.#failure?.verdict ?? (broken ? "error" : "forwarded"),
      reason: this.#failure?.reason ?? (broken ? end : undefined),
      fields: {
        bytesForward: this.#bytes[0],
        bytesReply: this.#bytes[1],
        durationMs: Math.round(this.#context.now() - this.#started),
        end,
        ...(detail === undefined ? {} : { status: detail }),
      },
    });
    this.#context.ended(this);
  }

  write(reply: boolean, bytes: Uint8Array): void {
    this.#bytes[reply ? 1 : 0] += bytes.length;
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
    const stack = thrownStack(cause);
    const fields = stack === undefined ? {} : { stack };
    this.#refuse("error", reason, { status: detail, ...fields });
    this.#repliesDue = repliesDue;
    if (repliesDue) this.#link.drain("refused");
    else this.#link.close("refused");
  }

  repliesDone(): void {
    this.#link.close("refused");
  }

  /** Puts a parser in front of the bytes. */
  #read(parser: LoadedParser): void {
    const { direction, port, frameBytes, logResponses } = this.#context;
    const connection: Connection = {
      id: this.#id,
      direction,
      source: this.#source,
      destination: this.#destination,
      port,
      matches: (request) => this.#matches(parser.definition, request),
      inject: (reply, bytes) => {
        if (!(bytes instanceof Uint8Array)) {
          throw new TypeError("inject() takes bytes");
        }
        this.#stream?.inject(reply, bytes);
      },
      log: ({ verdict, rule, reason }, fields, type = "request") => {
        if (type === "response" && !logResponses) return;
        this.#log({ type, verdict, rule, reason, fields });
      },
    };
    try {
      const reader = parser.definition.create(connection);
      this.#stream = new Stream(reader, this, frameBytes);
    } catch (cause) {
      this.fail(panic("while it was created", cause), false);
    }
  }

  #matches(definition: ParserDefinition, request: unknown): Decision {
    this.#judge ??= createJudge(
      definition,
      granted(this.#access),
      this.#context.mode,
    );
    return this.#judge(request);
  }

  get #audits(): boolean {
    return this.#context.mode === "audit";
  }

  #resolve(policy: CompiledPolicy): Access {
    const { subject, direction, port } = this.#context;
    return policy.resolve({ subject, direction, port, peer: this.#peer });
  }

  /** Denies the connection; in audit mode says that it would be. */
  #deny(reason: string, fields: Fields, rule?: string): void {
    if (this.#audits) {
      this.#log({ type: "connection", verdict: "audit", rule, reason, fields });
    } else {
      this.#refuse("denied", reason, fields, rule);
      this.#link.close("refused");
    }
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
    this.#log({ type: "connection", verdict, rule, reason, fields });
  }

  #log(entry: Entry): void {
    this.#time ??= timestamps.format(this.#context.now());
    this.#context.log(this.#format(this.#time, entry));
  }
}

/** Ends that are somebody's failure. */
const BROKEN: ReadonlySet<End> = new Set([
  "client-reset",
  "upstream-reset",
  "upstream-unreachable",
  "connect-timeout",
]);

/** Whose identity the policy asks for: the source at ingress, the upstream at egress. */
function peerAddress(context: SessionContext, accepted: Accepted): string {
  if (context.direction === "ingress") return accepted.source.hostname;
  const { upstream } = context;
  return upstream.transport === "tcp" ? upstream.hostname : "";
}

function endpoints(
  { direction, subject, upstream }: SessionContext,
  accepted: Accepted,
  peer: Peer,
): [source: Endpoint, destination: Endpoint] {
  const source = formatAddress(accepted.source);
  const destination = formatAddress(upstream);
  const [from, to] = direction === "ingress"
    ? [peer, subject]
    : [subject, peer];
  return [
    { address: source, labels: from.labels },
    { address: destination, labels: to.labels },
  ];
}

/** In audit mode nothing is denied for want of a policy entry; without L7 rules no request is either. */
function granted(access: Access): Grant {
  return access.verdict === "allowed"
    ? access
    : { verdict: "allowed", sets: [], unrestricted: {} };
}

function protocol(access: Access, fallback: string | undefined) {
  return access.verdict === "allowed" ? access.proto ?? fallback : fallback;
}
