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
import {
  type Parser,
  type ParserDefinition,
  type RuleIssue,
} from "./parser.ts";
import { drop, more, nop, pass, type Verdict } from "./verdict.ts";

/** A protocol of requests and replies. */
export interface ProtocolSpec<Request, Rule, State> {
  readonly description: string;
  readonly rule: z.ZodType<Rule, unknown>;
  lint?(rule: Readonly<Record<string, string>>): readonly RuleIssue[];
  matches(rule: Rule, request: Request): boolean;

  /** What a connection remembers between requests: plain data. */
  state?(): State;
  /** Finds the head of the next request, as far as it must be read to judge it: `pass(length)`, `more(n)` or an error. */
  frame(data: Uint8Array, seen: number, state: State): Verdict;
  /** Reads the head that `frame` found. The only function that may change `state`. */
  request(head: Uint8Array, state: State): Request;
  /** Bytes behind the head that share its fate. They are not buffered. */
  body?(request: Request): number;
  /** What the access log says of a request. */
  fields(request: Request): Fields;
  /** A denial in the protocol's own words; `undefined` where the protocol sends none. */
  deny(request: Request): Uint8Array | undefined;
  /**
   * The answer to a request that its server is known to refuse, whatever the
   * policy says: it is given here and the request goes no further. An empty
   * answer stands for silence, `undefined` for a request in order.
   */
  refuse?(request: Request): Uint8Array | undefined;
  /** A request that no keyed rule can cover; its denial is logged as `unknown-request`. */
  unknown?(request: Request): boolean;
  /** Whether the server answers a forwarded request. Default: always. */
  answered?(request: Request): boolean;
  /**
   * Finds the end of a reply: `pass(n)` for one that ends after n bytes,
   * `part(n)` for n bytes of one that goes on. `request` is what it answers;
   * `undefined` for a reply that nobody asked for. Pure.
   *
   * Without it the protocol is taken to answer by id, or not at all: replies
   * pass unread and denials leave at once.
   */
  reply?(
    data: Uint8Array,
    seen: number,
    request: Request | undefined,
    state: State,
  ): Verdict;
}

/** Makes a parser definition of a {@linkcode ProtocolSpec}. */
export function defineProtocol<Request, Rule, State = undefined>(
  spec: ProtocolSpec<Request, Rule, State>,
): ParserDefinition<Request, Rule> {
  return {
    description: spec.description,
    rule: spec.rule,
    ...(spec.lint ? { lint: spec.lint } : {}),
    matches: spec.matches,
    create: (connection) => new ProtocolParser(spec, connection),
  };
}

/**
 * Requests and denials that may wait for earlier replies. Past this the client
 * is not read until the server has answered some: a bound on memory, well above
 * what clients pipeline.
 */
const OUTSTANDING = 16384;

const MALFORMED: Decision = {
  allowed: false,
  verdict: "error",
  reason: "malformed",
};
const FORWARDED: Decision = { allowed: true, verdict: "forwarded" };

/** A denial that waits for its turn. */
class Denial {
  constructor(readonly bytes: Uint8Array) {}
}

/** A reply under way that no request asked for. What comes behind it waits for its end. */
class Unasked {}

class ProtocolParser<Request, Rule, State> implements Parser {
  readonly #spec: ProtocolSpec<Request, Rule, State>;
  readonly #connection: Connection<Request>;
  readonly #state: State;
  readonly #outstanding = new Queue<Request | Denial | Unasked>();

  constructor(
    spec: ProtocolSpec<Request, Rule, State>,
    connection: Connection<Request>,
  ) {
    this.#spec = spec;
    this.#connection = connection;
    this.#state = spec.state?.() as State;
  }

  onData(
    reply: boolean,
    _end: boolean,
    data: Uint8Array,
    seen: number,
  ): Verdict {
    return reply ? this.#onReply(data, seen) : this.#onRequest(data, seen);
  }

  snapshot(): unknown {
    return structuredClone({
      state: this.#state,
      outstanding: this.#outstanding.toArray(),
    });
  }

  #onRequest(data: Uint8Array, seen: number): Verdict {
    if (data.length === 0 || this.#outstanding.length >= OUTSTANDING) {
      return nop();
    }
    const head = this.#spec.frame(data, seen, this.#state);
    if (head.op !== "pass") return head;
    if (head.bytes > data.length) return more(head.bytes - data.length);

    const request = this.#spec.request(
      data.subarray(0, head.bytes),
      this.#state,
    );
    const bytes = head.bytes + (this.#spec.body?.(request) ?? 0);
    return this.#judge(request) ? pass(bytes) : drop(bytes);
  }

  /** Decides, logs, and answers what is not forwarded. */
  #judge(request: Request): boolean {
    const refusal = this.#spec.refuse?.(request);
    const decision = refusal ? MALFORMED : this.#matches(request);
    this.#connection.log(decision, this.#spec.fields(request));
    if (!decision.allowed) {
      this.#answer(refusal ?? this.#spec.deny(request));
      return false;
    }
    if (this.#spec.reply && (this.#spec.answered?.(request) ?? true)) {
      this.#outstanding.push(request);
    }
    return true;
  }

  #matches(request: Request): Decision {
    const decision = this.#connection.matches(request);
    const named = decision.rule !== undefined ||
      decision.verdict === "forwarded";
    if (named || !this.#spec.unknown?.(request)) return decision;
    return { ...decision, reason: "unknown-request" };
  }

  #answer(bytes: Uint8Array | undefined): void {
    if (!bytes || bytes.length === 0) return;
    if (this.#outstanding.length === 0) this.#connection.inject(true, bytes);
    else this.#outstanding.push(new Denial(bytes));
  }

  #onReply(data: Uint8Array, seen: number): Verdict {
    const next = this.#flush();
    if (data.length === 0) return nop();
    if (!this.#spec.reply) return pass(data.length);

    const request = next instanceof Unasked ? undefined : next;
    const verdict = this.#spec.reply(data, seen, request, this.#state);
    if (verdict.op !== "pass") return verdict;
    if (!verdict.last) {
      if (next === undefined) this.#outstanding.push(new Unasked());
    } else if (next !== undefined) {
      this.#outstanding.shift();
    }
    if (verdict.last && request !== undefined) {
      this.#connection.log(FORWARDED, this.#spec.fields(request), "response");
    }
    return verdict;
  }

  /** Sends the denials whose turn has come; returns what the next reply answers. */
  #flush(): Request | Unasked | undefined {
    for (;;) {
      const next = this.#outstanding.first();
      if (!(next instanceof Denial)) return next;
      this.#connection.inject(true, next.bytes);
      this.#outstanding.shift();
    }
  }
}

/** First in, first out, with a cheap `shift`. */
class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): void {
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  toArray(): T[] {
    return this.#items.slice(this.#head);
  }
}
