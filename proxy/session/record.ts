/**
 * What is recorded of one connection: its log lines, the counts of its
 * requests, and how long they took.
 *
 * @module
 */
import type { Endpoint } from "parley/proxylib";
import type { Peer } from "../../policy/mod.ts";
import { type Entry, LineFormatter } from "../accesslog/format.ts";
import type { RequestCounter } from "../counting/traffic.ts";
import type { LoadedParser } from "../registry/registry.ts";
import { type Accepted, formatAddress } from "../transport/transport.ts";
import { versionText } from "../versions.ts";
import type { Route, SessionContext } from "./context.ts";
import { type MovedRequest, RequestTimes } from "./request_times.ts";

/** Whom a record is about. */
export interface Recorded {
  readonly id: number;
  readonly context: SessionContext;
  readonly route: Route;
  readonly accepted: Accepted;
  readonly peer: Peer;
  /** The protocol that the bytes are read as; nothing: they pass unread. */
  readonly proto: string | undefined;
  readonly parser: LoadedParser | undefined;
}

/** Both ends of a connection, as parsers and the log see them. */
export interface Ends {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** Made when something is first said of a connection, and thrown away when it is idle. */
export class SessionRecord {
  readonly #context: SessionContext;
  #about: Recorded;
  #ends: Ends | undefined;
  #lines: LineFormatter | undefined;
  #requests: RequestCounter | undefined;
  #times: RequestTimes | undefined;
  #now: number | undefined;

  constructor(about: Recorded) {
    this.#context = about.context;
    this.#about = about;
  }

  /** The peer, or the parser's version, is another one from here on. */
  follow(about: Recorded): void {
    this.#about = about;
    this.#ends = undefined;
    this.#lines = undefined;
  }

  get ends(): Ends {
    return this.#ends ??= endsOf(this.#about);
  }

  /** The time of what is going on now, in milliseconds since the epoch: one for all requests of a read. */
  get now(): number {
    return this.#now ??= this.#context.now();
  }

  /** What follows happens later. */
  timePasses(): void {
    this.#now = undefined;
  }

  write(entry: Entry): void {
    this.#lines ??= formatterOf(this.#about, this.ends);
    const { log, hasher } = this.#context;
    this.#lines.write(log, this.now, entry, hasher);
  }

  /** Writes and counts a request; the ticket that its response is known by. */
  request(entry: Entry): number {
    this.write(entry);
    this.#requests ??= this.#counter();
    const { verdict, rule } = entry;
    const { requests, durations } = this.#requests.of(verdict, rule);
    requests.value++;
    return (this.#times ??= new RequestTimes()).begin(this.now, durations);
  }

  #counter(): RequestCounter {
    const { traffic, direction } = this.#context;
    return traffic.requests(this.#about.proto!, direction);
  }

  /** How long the request of a ticket took until now, in milliseconds; nothing if it is none that is open. */
  answered(ticket: unknown): number | undefined {
    return this.#times?.end(ticket, this.now);
  }

  /** Whether requests wait for their response. */
  get isAwaiting(): boolean {
    return this.#times !== undefined && this.#times.open > 0;
  }

  /** No response will come any more. */
  endRequests(): void {
    this.#times?.endAll(this.now);
  }

  /** Requests without a response, for the process that takes the connection over. */
  requestsToMove(): MovedRequest[] {
    return this.#times?.toMove() ?? [];
  }

  restoreRequests(moved: readonly MovedRequest[]): void {
    const { traffic } = this.#context;
    const { proto } = this.#about;
    this.#times = RequestTimes.restore(
      moved,
      (verdict) => traffic.durations(proto!, verdict),
    );
  }
}

function endsOf({ context, route, accepted, peer }: Recorded): Ends {
  const { subject, upstream } = route;
  const source = formatAddress(accepted.source);
  const destination = formatAddress(upstream);
  const [from, to] = context.direction === "ingress"
    ? [peer, subject]
    : [subject, peer];
  return {
    source: Object.freeze({ address: source, labels: from.labels }),
    destination: Object.freeze({ address: destination, labels: to.labels }),
  };
}

function formatterOf(about: Recorded, ends: Ends): LineFormatter {
  const { id, context, route: { upstream, port }, proto, parser } = about;
  const isItsOwn = upstream.transport === "tcp" && upstream.port === port;
  return new LineFormatter({
    id,
    direction: context.direction,
    ...ends,
    port: isItsOwn ? undefined : port,
    l7proto: proto,
    parser: parser && versionText(parser),
  });
}
