/**
 * The engine: one object per connection, two directions, no I/O.
 *
 * `feed` runs the parser until it has no more to say and calls the sink with
 * what to write. There are no sockets, clocks, promises or timers here, so the
 * engine can be table-tested, fuzzed and replayed, and every transport shares
 * it.
 *
 * Rules that hold whatever a parser does:
 * - no byte leaves undecided, and none twice;
 * - PASS and DROP may reach past the bytes at hand: the rest is carried over
 *   and needs no buffer;
 * - injected bytes leave only at a frame boundary of their direction;
 * - what was decided before a later frame fails still goes out;
 * - the bytes held per direction are bounded;
 * - a parser that throws fails its own connection only.
 *
 * @module
 */
import type { Parser, Verdict } from "parley/proxylib";
import { Held } from "./held.ts";
import type { MovedHalf, MovedStream } from "./moved.ts";
import { beginCall, endCall, failedCall } from "../parser_call.ts";
import { scrubError } from "./scrub.ts";
import { thrownText } from "../thrown.ts";
import { clientHello } from "../tls.ts";

/** Why a connection is closed by the engine. */
export interface Failure {
  /** The log's `reason`: `panic`, `limit`, `tls`, or the code of the parser's error verdict. */
  readonly reason: string;
  /** A sentence for the log: what, where, what was found. Never payload bytes. */
  readonly detail: string;
  /** What the parser threw. */
  readonly cause?: unknown;
}

/** Where the engine's decisions go. `bytes` are valid during the call only. */
export interface Sink {
  write(reply: boolean, bytes: Uint8Array): void;
  /** The direction is over: nothing more will be written to it. */
  end(reply: boolean): void;
  /** Bytes of an unfinished frame at end of stream. They were not forwarded. */
  partial(reply: boolean, bytes: number): void;
  /**
   * Called at most once, when all that was decided has been written. Nothing
   * more is read from the client then. `repliesDue`: the server still owes
   * replies, which go on passing until `repliesDone`.
   */
  fail(failure: Failure, repliesDue: boolean): void;
  /** After a failure with replies due: they have all passed, or will not come. */
  repliesDone(): void;
}

const NOTHING = new Uint8Array(0);

/** One direction: the bytes held, and what is known of them. */
class Half extends Held {
  /** Bytes decided but not yet here. */
  carry = 0;
  carryPasses = false;
  /** Bytes that must be held before the parser is called again. */
  need = 0;
  /** Bytes of the current frame that the parser has seen. */
  seen = 0;
  /** Injected bytes that wait for the frame boundary. */
  injected: Uint8Array[] | undefined;
  injectedBytes = 0;
  /** The parser answered NOP with bytes at hand. */
  paused = false;
  /** The peer sends no more. */
  ending = false;
  /** Nothing more is taken: `sink.end` was called, or requests are refused. */
  ended = false;

  constructor(readonly reply: boolean) {
    super();
  }
}

/** The engine of one connection. */
export class Stream {
  #parser: Parser;
  readonly #sink: Sink;
  readonly #frameBytes: number;
  readonly #request = new Half(false);
  readonly #response = new Half(true);
  /** A TLS client where a parser is expected is looked for once, at the very start. */
  #guard = true;
  /** Requests are refused, replies still due. */
  #closing = false;
  #failed = false;
  #served = false;

  /**
   * @param frameBytes the most that is held of one frame, per direction; a
   *   frame that needs more fails the connection with reason `limit`
   */
  constructor(parser: Parser, sink: Sink, frameBytes: number) {
    this.#parser = parser;
    this.#sink = sink;
    this.#frameBytes = frameBytes;
  }

  /** No further byte will be taken or written. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether the parser, this version of it, has passed bytes of a reply. */
  get served(): boolean {
    return this.#served;
  }

  /** Whether a direction should not be read for now. What is fed all the same is kept. */
  paused(reply: boolean): boolean {
    return this.#half(reply).paused;
  }

  /**
   * What the parser says of its state for the version that replaces it, copied;
   * `undefined`: it can say nothing. A parser that throws here fails its connection.
   */
  snapshot(): unknown {
    beginCall();
    try {
      const state = structuredClone(this.#parser.snapshot?.());
      endCall();
      return state;
    } catch (cause) {
      this.#fail(panic("in its snapshot", failedCall(cause)));
      return undefined;
    }
  }

  /** What another process has to know to go on; nothing if the parser cannot say what it remembers. */
  toMove(): MovedStream | undefined {
    const snapshot = this.snapshot();
    if (snapshot === undefined) return undefined;
    return {
      guard: this.#guard,
      request: movedHalf(this.#request),
      response: movedHalf(this.#response),
      snapshot,
    };
  }

  /** Stands where a stream of another process stood; `replace` sets it going. */
  restore({ guard, request, response }: MovedStream): void {
    this.#guard = guard;
    restoreHalf(this.#request, request);
    restoreHalf(this.#response, response);
  }

  /** Goes on with another parser: undecided bytes are shown again, from the frame's start. */
  replace(parser: Parser): void {
    this.#parser = parser;
    this.#served = false;
    for (const half of [this.#request, this.#response]) {
      half.need = 0;
      half.seen = 0;
    }
    this.#run(this.#request);
    this.#run(this.#response);
  }

  /** Takes what a peer sent. `end`: it sends no more. `bytes` need not outlive the call. */
  feed(reply: boolean, bytes: Uint8Array, end: boolean): void {
    const half = this.#half(reply);
    if (this.#failed || half.ending || half.ended) return;
    half.ending = end;
    this.#run(half, bytes);
  }

  /** Settles what can be settled of a direction, and what that settles of the other one. */
  #run(half: Half, bytes: Uint8Array = NOTHING): void {
    try {
      half.show(bytes);
      this.#advance(half);
      this.#wake(this.#half(!half.reply));
      half.keep();
      this.#checkHeld(half);
    } catch (cause) {
      this.#onSpoilt(half, cause);
    }
  }

  /** The parser has detached the bytes that it was shown: nothing of this connection can be relied on. */
  #onSpoilt(half: Half, cause: unknown): void {
    this.#request.clear();
    this.#response.clear();
    this.#panic(half, cause);
  }

  /**
   * Queues bytes of the parser's own; see `Connection.inject`.
   *
   * @param queued bytes that went to the sink before and have not left
   */
  inject(reply: boolean, bytes: Uint8Array, queued = 0): void {
    const half = this.#half(reply);
    if (this.#failed || half.ended) return;
    const waiting = queued + half.injectedBytes + bytes.length;
    if (waiting > this.#frameBytes) return this.#tooMuch(half, waiting);
    if (atBoundary(half)) {
      this.#flush(half);
      this.#sink.write(reply, bytes);
    } else {
      (half.injected ??= []).push(bytes);
      half.injectedBytes += bytes.length;
    }
  }

  #half(reply: boolean): Half {
    return reply ? this.#response : this.#request;
  }

  /** Asks again about a direction that waited for the other one, and in turn about that, until nothing moves. */
  #wake(half: Half): void {
    if (!half.paused) return;
    const before = half.length;
    this.#advance(half);
    if (half.length < before) this.#wake(this.#half(!half.reply));
  }

  /** Settles bytes of one direction until more are needed. */
  #advance(half: Half): void {
    half.paused = false;
    while (!this.#failed && !half.ended) {
      if (!this.#settleCarry(half)) break;
      if (half.length < half.need && !half.ending) break;
      if (this.#guardHolds(half)) break;
      if (!this.#decide(half)) break;
    }
    this.#flush(half);
  }

  /** Writes what was passed: requests in a row leave in one piece. */
  #flush(half: Half): void {
    const bytes = half.passed();
    if (bytes.length === 0) return;
    if (half.reply) this.#served = true;
    this.#sink.write(half.reply, bytes);
  }

  /** Moves bytes that are already decided; false while some are still to come. */
  #settleCarry(half: Half): boolean {
    if (half.carry > 0) {
      if (half.carryPasses) {
        half.carry -= half.pass(half.carry);
      } else {
        this.#flush(half);
        half.carry -= half.drop(half.carry);
      }
      if (half.carry > 0) {
        if (half.ending) this.#finish(half, 0);
        return false;
      }
    }
    if (half.injected) this.#writeInjected(half);
    return true;
  }

  #writeInjected(half: Half): void {
    this.#flush(half);
    for (const bytes of half.injected!) this.#sink.write(half.reply, bytes);
    half.injected = undefined;
    half.injectedBytes = 0;
  }

  /** Looks for a TLS client; true while it cannot be told, or when it is one. */
  #guardHolds(half: Half): boolean {
    if (!this.#guard || half.reply) return false;
    const answer = clientHello(half.bytes());
    if (answer === "maybe" && !half.ending) return true;
    this.#guard = false;
    if (answer !== "yes") return false;
    this.#fail({
      reason: "tls",
      detail:
        "the client began with a TLS ClientHello where a parser reads plain text; " +
        "terminate TLS before Parley, or take the L7 rules off this port",
    });
    return true;
  }

  /** One call of the parser; true if there may be more to say. */
  #decide(half: Half): boolean {
    const verdict = this.#ask(half);
    if (!verdict || this.#failed) return false;
    switch (verdict.op) {
      case "pass":
      case "drop":
        half.carry = verdict.bytes;
        half.carryPasses = verdict.op === "pass";
        half.need = 0;
        half.seen = 0;
        return true;
      case "more":
        return this.#await(half, verdict.bytes);
      case "nop":
        return this.#pause(half);
      case "error":
        return this.#refuse(half, verdict);
    }
  }

  #ask(half: Half): Verdict | undefined {
    beginCall();
    try {
      const verdict = readVerdict(this.#parser.onData(
        half.reply,
        half.ending,
        half.bytes(),
        half.seen,
      ));
      endCall();
      return verdict;
    } catch (cause) {
      this.#panic(half, scrubError(failedCall(cause), half.bytes()));
      return undefined;
    }
  }

  #await(half: Half, bytes: number): false {
    if (half.ending) {
      this.#finish(half, half.length);
      return false;
    }
    half.seen = half.length;
    half.need = half.length + bytes;
    if (half.need > this.#frameBytes) this.#tooLong(half, half.need);
    return false;
  }

  #pause(half: Half): false {
    half.need = half.length + 1;
    if (half.length === 0) {
      if (half.ending) this.#finish(half, 0);
    } else if (this.#half(!half.reply).ended) {
      this.#finish(half, half.length); // nothing can move it any more
    } else {
      half.need = 0;
      half.paused = true;
    }
    return false;
  }

  /** Ends a direction. An unfinished frame is reported, and never forwarded. */
  #finish(half: Half, undecided: number): void {
    half.ended = true;
    this.#flush(half);
    if (undecided > 0) this.#sink.partial(half.reply, undecided);
    half.clear();
    if (!this.#closing) return this.#sink.end(half.reply);
    this.#failed = true;
    this.#sink.repliesDone();
  }

  /** A paused direction keeps what it is fed; this bounds it if a transport reads on. */
  #checkHeld(half: Half): void {
    if (!this.#failed && half.length > this.#frameBytes) {
      this.#tooLong(half, half.length);
    }
  }

  #tooLong(half: Half, bytes: number): void {
    this.#fail({
      reason: "limit",
      detail:
        `a frame of the ${
          name(half)
        } needs ${bytes} bytes held, the limit is ` +
        `${this.#frameBytes}; raise limits.frameBytes if such frames are legitimate`,
    });
  }

  /** The peer takes nothing, and the parser goes on injecting. */
  #tooMuch(half: Half, bytes: number): void {
    this.#fail({
      reason: "limit",
      detail:
        `the parser injects into the ${
          name(half)
        } though ${bytes} bytes wait to leave it, the limit is ` +
        `${this.#frameBytes} (limits.frameBytes)`,
    });
  }

  /** An error verdict: replies that are due may pass first, if the parser says so. */
  #refuse(half: Half, { code, last }: Verdict): false {
    const failure = {
      reason: code,
      detail: `the parser refused the ${name(half)}: ${code}`,
    };
    if (last || half.reply || this.#response.ended) {
      this.#fail(failure);
      return false;
    }
    this.#closing = true;
    half.ended = true;
    this.#flush(half);
    half.clear();
    this.#sink.fail(failure, true);
    return false;
  }

  #panic(half: Half, cause: unknown): false {
    this.#fail(panic(`in the ${name(half)}`, cause));
    return false;
  }

  #fail(failure: Failure): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#flush(this.#request);
    this.#flush(this.#response);
    if (this.#closing) this.#sink.repliesDone();
    else this.#sink.fail(failure, false);
  }
}

function movedHalf(half: Half): MovedHalf {
  const { carry, carryPasses, injected = [], ending, ended } = half;
  return { carry, carryPasses, held: half.bytes(), injected, ending, ended };
}

function restoreHalf(half: Half, moved: MovedHalf): void {
  half.carry = moved.carry;
  half.carryPasses = moved.carryPasses;
  half.hold(moved.held);
  if (moved.injected.length > 0) half.injected = [...moved.injected];
  half.ending = moved.ending;
  half.ended = moved.ended;
}

/** What a parser threw, as a failure of its connection. `where` says what it was doing. */
export function panic(where: string, cause: unknown): Failure {
  return {
    reason: "panic",
    detail: `Panic: ${thrownText(cause)} (${where})`,
    cause,
  };
}

/** Whether injected bytes may leave now: no passed frame is under way. */
function atBoundary(half: Half): boolean {
  return half.carry === 0 || !half.carryPasses;
}

function name(half: Half): string {
  return half.reply ? "reply direction" : "request direction";
}

/**
 * Parsers are untrusted: what comes back is checked, whatever its type says, and
 * each member is read once.
 */
function readVerdict(answer: Verdict): Verdict {
  if (typeof answer !== "object" || answer === null) throw invalid(answer);
  const { op, bytes, last, code } = answer;
  if (!isWellFormed(op, bytes, code)) throw invalid(answer);
  return { op, bytes, last, code };
}

function isWellFormed(op: Verdict["op"], bytes: number, code: string): boolean {
  switch (op) {
    case "pass":
    case "drop":
    case "more":
      return Number.isSafeInteger(bytes) && bytes >= 1;
    case "nop":
      return true;
    case "error":
      return typeof code === "string";
    default:
      return false;
  }
}

function invalid(answer: unknown): Error {
  const isPromise = answer instanceof Promise;
  if (isPromise) answer.catch(() => {}); // it is refused, whatever becomes of it
  const found = isPromise ? "a promise" : typeof answer;
  return new TypeError(
    `onData answered ${found} that is no verdict; parsers are synchronous and answer pass(n), drop(n), more(n), nop() or error(code)`,
  );
}
