/**
 * `defineProtocol`: a parser made from four answers. How long is a request's
 * head, what does it ask, how is a denial worded, what is logged. The rest is
 * done here, once for all protocols: policy, log, and the order of denials
 * among replies that are still outstanding.
 *
 * @module
 */
import type { z } from "zod";
import type { Connection, Decision, Fields } from "./connection.ts";
import { type Entry, Outstanding } from "./outstanding.ts";
import type {
  FieldTexts,
  Parser,
  ParserDefinition,
  RuleIndex,
  RuleIssue,
} from "./parser.ts";
import {
  drop,
  error,
  errorInTurn,
  more,
  nop,
  pass,
  type Verdict,
} from "./verdict.ts";

/** What a server that refuses a request says, and whether it then hangs up. */
export interface Refusal {
  /** Nothing: the server is silent. */
  readonly answer?: Uint8Array | undefined;
  /** The server closes the connection; the word stands in the log's `reason`. */
  readonly close?: string;
}

/** A request of Parley's own that the server always answers. */
export interface Barrier<Request> {
  readonly bytes: Uint8Array;
  /** The request that `reply` is asked with for its answer. */
  readonly request: Request;
}

/** What a connection remembers, for the version of its parser that comes next. */
export interface Remembered<Request, State> {
  readonly state: State;
  /** Requests whose replies are outstanding, in order. */
  readonly requests: readonly Request[];
}

/** A protocol of requests and replies. */
export interface ProtocolSpec<Request, Rule, State> {
  readonly description: string;
  readonly rule: z.ZodType<Rule, unknown>;
  lint?(rule: Readonly<Record<string, string>>): readonly RuleIssue[];
  /** As in {@linkcode ParserDefinition}. */
  lintRules?(rules: readonly Rule[]): readonly RuleIssue[];
  matches(rule: Rule, request: Request): boolean;
  /** For policies of thousands of rules; without it every rule is asked. */
  readonly index?: RuleIndex<Request, Rule>;

  /** What a connection remembers between requests: plain data. */
  state?(): State;
  /**
   * What another version of this parser remembers, as this one does: write it
   * when the form of `state` or of requests has changed. Throws if there is no
   * way. Default: as it is, if the state looks like this version's.
   */
  restore?(
    remembered: Remembered<unknown, unknown>,
    fromVersion: string,
  ): Remembered<Request, State>;
  /** Finds the head of the next request, as far as it must be read to judge it: `pass(length)`, `more(n)` or an error. */
  frame(data: Uint8Array, seen: number, state: State): Verdict;
  /** Reads the head that `frame` found. The only function that may change `state`. */
  request(head: Uint8Array, state: State): Request;
  /** Bytes behind the head that share its fate. They are not buffered. */
  body?(request: Request): number;
  /**
   * A request that does several things, as requests that each do one: it is
   * allowed if all of them are, by whichever rules.
   */
  parts?(request: Request): readonly Request[] | undefined;
  /** What the access log says of a request. */
  fields(request: Request): Fields;
  /**
   * A request as its log fields describe it, for `trace`: the inverse of
   * `fields`, as far as rules look. A field that is not given counts as empty.
   */
  fromFields?(fields: FieldTexts): Request;
  /** A denial in the protocol's own words; `undefined` where the protocol sends none. */
  deny(request: Request): Uint8Array | undefined;
  /**
   * How the server refuses this request, if it is known to, whatever the policy
   * says: the answer is given here and the request goes no further.
   */
  refuse?(request: Request): Refusal | undefined;
  /** A request that no keyed rule can cover; its denial is logged as `unknown-request`. */
  unknown?(request: Request): boolean;
  /** Whether the server hangs up after this request: what a client sends behind it reaches nobody. */
  hangsUp?(request: Request): boolean;
  /** Whether the server answers a forwarded request. Default: always. */
  answered?(request: Request): "always" | "perhaps" | "never";
  /** For protocols with requests that are answered only perhaps. */
  barrier?(state: State): Barrier<Request>;
  /**
   * Whether a request's reply could be taken for that of an earlier one that is
   * answered only perhaps: then a barrier goes between them. Default: it cannot.
   */
  blurs?(request: Request): boolean;
  /**
   * Finds the end of a reply: `pass(n)` for one that ends after n bytes,
   * `part(n)` for n bytes of one that goes on. `request` is what it answers;
   * `undefined` for a reply that nobody is known to have asked for. The answer
   * `undefined` says that this is not the reply to `request`. Pure.
   *
   * Without it the protocol is taken to answer by id, or not at all: replies
   * pass unread and denials leave at once.
   */
  reply?(
    data: Uint8Array,
    seen: number,
    request: Request | undefined,
    state: State,
  ): Verdict | undefined;
}

/** Makes a parser definition of a {@linkcode ProtocolSpec}. */
export function defineProtocol<Request, Rule, State = undefined>(
  spec: ProtocolSpec<Request, Rule, State>,
): ParserDefinition<Request, Rule> {
  return {
    description: spec.description,
    rule: spec.rule,
    ...(spec.lint ? { lint: spec.lint } : {}),
    ...(spec.lintRules ? { lintRules: spec.lintRules } : {}),
    matches: spec.matches,
    ...(spec.index ? { index: spec.index } : {}),
    fields: spec.fields,
    ...(spec.parts ? { parts: spec.parts } : {}),
    ...(spec.fromFields ? { fromFields: spec.fromFields } : {}),
    create: (connection) =>
      new ProtocolParser(spec, connection, {
        state: spec.state?.() as State,
        outstanding: [],
        over: false,
      }),
    restore: (connection, state, fromVersion) =>
      new ProtocolParser(spec, connection, restore(spec, state, fromVersion)),
  };
}

/** All that a connection's parser holds. */
interface Memory<Request, State> {
  readonly state: State;
  readonly outstanding: readonly Entry<Request>[];
  readonly over: boolean;
}

/** The memory of another version, as one of this. */
function restore<Request, Rule, State>(
  spec: ProtocolSpec<Request, Rule, State>,
  snapshot: unknown,
  fromVersion: string,
): Memory<Request, State> {
  if (!isMemory(snapshot)) {
    throw new TypeError(
      "the version before was not made by defineProtocol: its state has another form",
    );
  }
  const requests = snapshot.outstanding.flatMap((entry) =>
    "request" in entry ? [entry.request] : []
  );
  const before = { state: snapshot.state, requests };
  const now = spec.restore?.(before, fromVersion) ?? asItIs(spec, before);
  const rest = [...now.requests];
  return {
    ...snapshot,
    state: now.state,
    outstanding: snapshot.outstanding.map((entry) =>
      "request" in entry ? { ...entry, request: rest.shift()! } : entry
    ) as Entry<Request>[],
  };
}

function isMemory(snapshot: unknown): snapshot is Memory<unknown, unknown> {
  return typeof snapshot === "object" && snapshot !== null &&
    "state" in snapshot && "over" in snapshot &&
    "outstanding" in snapshot && Array.isArray(snapshot.outstanding);
}

function asItIs<Request, Rule, State>(
  spec: ProtocolSpec<Request, Rule, State>,
  before: Remembered<unknown, unknown>,
): Remembered<Request, State> {
  if (formOf(before.state) !== formOf(spec.state?.())) {
    throw new TypeError(
      `the version before remembers ${formOf(before.state)}, this one ${
        formOf(spec.state?.())
      }: write restore() to make the one of the other`,
    );
  }
  return before as Remembered<Request, State>;
}

/** Names and kinds of a state's members. */
function formOf(state: unknown): string {
  if (typeof state !== "object" || state === null) return typeof state;
  const members = Object.entries(state)
    .map(([name, value]) => `${name}: ${typeof value}`);
  return `{ ${members.sort().join(", ")} }`;
}

/**
 * Requests and denials that may wait for earlier replies. Past this the client
 * is not read until the server has answered some: a bound on memory, well above
 * what clients pipeline.
 */
const OUTSTANDING = 16384;
/** The same in bytes of requests' heads and denials. */
const OUTSTANDING_BYTES = 2 * 1024 * 1024;

const MALFORMED: Decision = {
  allowed: false,
  verdict: "error",
  reason: "malformed",
};
const FORWARDED: Decision = { allowed: true, verdict: "forwarded" };

class ProtocolParser<Request, Rule, State> implements Parser {
  readonly #spec: ProtocolSpec<Request, Rule, State>;
  readonly #connection: Connection<Request>;
  readonly #state: State;
  readonly #outstanding: Outstanding<Request>;
  /** The server was told to hang up. */
  #over: boolean;

  constructor(
    spec: ProtocolSpec<Request, Rule, State>,
    connection: Connection<Request>,
    { state, outstanding, over }: Memory<Request, State>,
  ) {
    this.#spec = spec;
    this.#connection = connection;
    this.#state = state;
    this.#outstanding = Outstanding.from(outstanding);
    this.#over = over;
  }

  onData(
    reply: boolean,
    _end: boolean,
    data: Uint8Array,
    seen: number,
  ): Verdict {
    return reply ? this.#onReply(data, seen) : this.#onRequest(data, seen);
  }

  snapshot(): Memory<Request, State> {
    return structuredClone({
      state: this.#state,
      outstanding: this.#outstanding.toArray(),
      over: this.#over,
    });
  }

  #onRequest(data: Uint8Array, seen: number): Verdict {
    if (data.length === 0 || this.#isFull()) return nop();
    if (this.#over) return drop(data.length);
    const head = this.#spec.frame(data, seen, this.#state);
    if (head.op === "error") return this.#failInTurn(head.code);
    if (head.op !== "pass") return head;
    if (head.bytes > data.length) return more(head.bytes - data.length);

    // A view costs as much as a small parse; most heads are all that was read.
    const bytesOfHead = head.bytes === data.length
      ? data
      : data.subarray(0, head.bytes);
    const request = this.#spec.request(bytesOfHead, this.#state);
    const refusal = this.#spec.refuse?.(request);
    if (refusal) this.#refuse(request, refusal.answer);
    if (refusal?.close !== undefined) return this.#failInTurn(refusal.close);
    const bytes = head.bytes + (this.#spec.body?.(request) ?? 0);
    if (!refusal && this.#judge(request, head.bytes)) return pass(bytes);
    return drop(bytes);
  }

  /** No further request is read for now. */
  #isFull(): boolean {
    return this.#outstanding.length >= OUTSTANDING ||
      this.#outstanding.bytes >= OUTSTANDING_BYTES;
  }

  /** Closes the connection once everything before has been answered. */
  #failInTurn(code: string): Verdict {
    if (this.#outstanding.length === 0) return error(code);
    this.#settleQuiet();
    this.#outstanding.push({ kind: "failure", code });
    return errorInTurn(code);
  }

  /** Logs and answers in the server's place. */
  #refuse(request: Request, answer: Uint8Array | undefined): void {
    const fields = this.#spec.fields(request);
    this.#answer(answer, this.#connection.log(MALFORMED, fields));
  }

  /** Decides and logs; denies, or expects the reply. */
  #judge(request: Request, size: number): boolean {
    const decision = this.#decide(request);
    const asked = this.#connection.log(decision, this.#spec.fields(request));
    if (!decision.allowed) {
      this.#answer(this.#spec.deny(request), asked);
      return false;
    }
    this.#expect(request, size, asked);
    this.#over = this.#spec.hangsUp?.(request) ?? false;
    return true;
  }

  #decide(request: Request): Decision {
    const decision = this.#connection.matches(request);
    const isUnknown = decision.verdict !== "forwarded" &&
      decision.rule === undefined && this.#spec.unknown?.(request);
    return isUnknown ? { ...decision, reason: "unknown-request" } : decision;
  }

  #expect(request: Request, size: number, asked: number): void {
    const answered = this.#spec.reply
      ? this.#spec.answered?.(request) ?? "always"
      : "never";
    if (answered === "always") {
      if (this.#spec.blurs?.(request)) this.#settleQuiet();
      this.#outstanding.push({ kind: "reply", request, size, asked });
      return;
    }
    this.#connection.answered(asked); // nobody will know when it is
    if (answered === "perhaps" && this.#outstanding.last()?.kind !== "quiet") {
      this.#outstanding.push({ kind: "quiet" });
    }
  }

  #answer(bytes: Uint8Array | undefined, asked: number): void {
    if (bytes && this.#outstanding.length > 0) {
      this.#settleQuiet();
      this.#outstanding.push({ kind: "denial", bytes, asked });
      return;
    }
    if (bytes) this.#connection.inject(true, bytes);
    this.#connection.answered(asked);
  }

  /** Makes sure that it will be known when the last quiet requests are done. */
  #settleQuiet(): void {
    if (this.#outstanding.last()?.kind !== "quiet") return;
    const barrier = this.#spec.barrier?.(this.#state);
    if (!barrier) return;
    this.#connection.inject(false, barrier.bytes);
    this.#outstanding.push({ kind: "barrier", request: barrier.request });
  }

  #onReply(data: Uint8Array, seen: number): Verdict {
    const next = this.#flush();
    if (next?.kind === "failure") return error(next.code);
    if (data.length === 0) return nop();
    if (!this.#spec.reply) return pass(data.length);

    if (next?.kind === "quiet") {
      const behind = this.#outstanding.second();
      const verdict = this.#frameReply(data, seen, behind);
      if (!verdict) return this.#unasked(data, seen);
      // The quiet requests are done: this answers what stands behind them.
      if (verdict.op === "pass") this.#outstanding.shift();
      return this.#settle(behind!, verdict);
    }
    const verdict = this.#frameReply(data, seen, next);
    return verdict ? this.#settle(next!, verdict) : this.#unasked(data, seen);
  }

  /** Frames the reply to an entry; nothing if this is not its reply. */
  #frameReply(
    data: Uint8Array,
    seen: number,
    entry: Entry<Request> | undefined,
  ): Verdict | undefined {
    switch (entry?.kind) {
      case "reply":
      case "barrier":
        return this.#spec.reply!(data, seen, entry.request, this.#state);
      case "unasked":
        return this.#spec.reply!(data, seen, undefined, this.#state);
      default:
        return undefined;
    }
  }

  /** Settles bytes of the reply to `entry`, which is first in the order. */
  #settle(entry: Entry<Request>, verdict: Verdict): Verdict {
    if (verdict.op !== "pass") return verdict;
    if (verdict.last) this.#outstanding.shift();
    if (entry.kind === "barrier") return drop(verdict.bytes);
    if (verdict.last && entry.kind === "reply") {
      this.#replied(entry.request, entry.asked);
    }
    return verdict;
  }

  #replied(request: Request, asked: number): void {
    const connection = this.#connection;
    if (!connection.logsResponses) return connection.answered(asked);
    const fields = this.#spec.fields(request);
    connection.log(FORWARDED, fields, "response", asked);
  }

  /** A reply that nothing in the order is known to have asked for. */
  #unasked(data: Uint8Array, seen: number): Verdict {
    const verdict = this.#spec.reply!(data, seen, undefined, this.#state) ??
      pass(data.length);
    const goesOn = verdict.op === "pass" && !verdict.last;
    if (goesOn && this.#outstanding.length === 0) {
      this.#outstanding.push({ kind: "unasked" });
    }
    return verdict;
  }

  /** Sends the denials whose turn has come; returns what stands first then. */
  #flush(): Entry<Request> | undefined {
    for (;;) {
      const next = this.#outstanding.first();
      if (next?.kind !== "denial") return next;
      this.#connection.inject(true, next.bytes);
      this.#connection.answered(next.asked);
      this.#outstanding.shift();
    }
  }
}
