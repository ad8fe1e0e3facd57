/**
 * A connection: frames, and from version 5 on segments, in both directions.
 *
 * Frames of version 3 and 4, and all before STARTUP is accepted, stand one after
 * the other. Then a request is decided as soon as it can be, and its tail passes
 * unseen. A segment that holds whole frames is looked at as a whole; if only some
 * of them may pass, they leave in a segment of Parley's. Of a frame that is split
 * over segments the first ones are held until it is decided.
 *
 * @module
 */
import {
  type Connection,
  drop,
  error,
  fromLatin1,
  latin1,
  more,
  nop,
  type Parser,
  pass,
  type Verdict,
} from "parley/proxylib";
import { scratch } from "./body.ts";
import { Header } from "./header.ts";
import { Replies } from "./replies.ts";
import type { Request } from "./request.ts";
import { type Fate, Requests } from "./requests.ts";
import { containedSegment, PAYLOAD_MAX, Segment } from "./segment.ts";
import { type Snapshot, State } from "./state.ts";
import { FRAME_MAX, HEADER, NEWEST } from "./wire.ts";

/** Bytes of answers that may wait for a reply under way before no further request is read. */
const WAITING_MAX = 256 * 1024;
/** From this size on a frame that is not decided is read again when it has doubled, not for each part of it. */
const LARGE = 64 * 1024;
const MALFORMED_REPLY = "malformed-reply";

/** A frame that is split over segments, as far as it is at hand. Derived from the bytes that are held. */
interface Gathered {
  /** Bytes of segments that were taken. */
  raw: number;
  /** The frame's bytes in them. */
  frame: Uint8Array;
  length: number;
  /** Bytes of the frame in all. */
  whole: number;
  /** It is not read again before it has so many. */
  next: number;
}

// Calls of parsers never overlap, so what a call needs while it lasts is there once for all.
const HEAD = new Header();
const SEGMENT = new Segment();

/** The parser of one connection. */
export class CassandraParser implements Parser {
  readonly #connection: Connection<Request>;
  readonly #state: State;
  readonly #requests: Requests;
  readonly #replies: Replies;
  #gathered: Gathered | undefined;
  /** A reply is passing, and its end has not been seen. */
  #isReplyPassing = false;
  /** Bytes of answers that wait for that. */
  #waiting = 0;

  /** @param saved what `snapshot` gave */
  constructor(connection: Connection<Request>, saved?: Snapshot) {
    this.#connection = connection;
    this.#state = new State(saved);
    this.#requests = new Requests(
      connection,
      this.#state,
      (frame) => this.#answer(frame),
    );
    this.#replies = new Replies(connection, this.#state);
  }

  onData(reply: boolean, _end: boolean, data: Uint8Array): Verdict {
    if (reply) return this.#onReply(data);
    if (data.length === 0 || this.#requests.areHeld) return nop();
    if (this.#waiting > WAITING_MAX) return nop();
    return this.#state.isSegmented
      ? this.#onSegment(data)
      : this.#onFrame(data);
  }

  snapshot(): Snapshot {
    return this.#state.save();
  }

  // Requests

  #onFrame(data: Uint8Array): Verdict {
    const header = HEAD;
    const missing = header.read(data, 0, data.length);
    if (missing > 0) return more(missing);
    const requests = this.#requests;
    const fate = requests.check(header) ??
      requests.judge(header, data, HEADER, data.length);
    const whole = HEADER + header.length;
    switch (fate) {
      case "pass":
        return pass(whole);
      case "drop":
        return drop(whole);
      case "fail":
        return error(requests.failure);
      case "more": {
        if (data.length < LARGE) return more(requests.missing);
        const ahead = Math.min(whole - data.length, data.length);
        return more(Math.max(requests.missing, ahead));
      }
    }
  }

  #onSegment(data: Uint8Array): Verdict {
    const state = this.#state;
    const segment = SEGMENT;
    const missing = segment.read(data, 0, data.length, this.#isLz4);
    if (missing > 0) return more(missing);
    if (missing < 0) {
      return this.#fail("crc", "the segment's header is corrupt");
    }
    if (state.requestRest > 0) return this.#onRest();
    if (!segment.isContained) return this.#onSplitFrame(data);
    if (data.length < segment.end) return more(segment.end - data.length);
    if (!segment.isIntact(data)) {
      return this.#fail("crc", "the segment's payload is corrupt");
    }
    if (!segment.isPacked) {
      return this.#onFrames(data, segment.payload, segment.payloadEnd);
    }
    const frames = scratch(segment.size);
    return segment.unpack(data, frames)
      ? this.#onFrames(frames, 0, frames.length)
      : this.#fail("malformed", "the segment does not unpack");
  }

  /** A further segment of a frame that is decided. */
  #onRest(): Verdict {
    const state = this.#state;
    const { size, end, isContained } = SEGMENT;
    if (isContained || size > state.requestRest) {
      return this.#fail(
        "malformed",
        "a segment is no part of the frame before",
      );
    }
    state.requestRest -= size;
    return state.requestRestPasses ? pass(end) : drop(end);
  }

  /** The frames of a contained segment, from `start` to `end` of `frames`. */
  #onFrames(frames: Uint8Array, start: number, end: number): Verdict {
    const header = HEAD;
    const pieces: number[] = [];
    let at = start;
    let isWhole = true;
    while (at < end) {
      const isShort = header.read(frames, at, end) > 0 ||
        header.length > end - at - HEADER;
      const next = at + HEADER + header.length;
      const fate: Fate = isShort
        ? this.#requests.fail(header, "malformed", "a frame leaves its segment")
        : this.#requests.check(header) ??
          this.#requests.judge(header, frames, at + HEADER, next);
      if (fate === "pass") {
        if (pieces.at(-1) === at) pieces[pieces.length - 1] = next;
        else pieces.push(at, next);
      } else if (fate === "drop") {
        isWhole = false;
      } else {
        this.#forward(frames, pieces);
        return error(this.#requests.failure);
      }
      at = next;
    }
    if (isWhole) return pass(SEGMENT.end);
    this.#forward(frames, pieces);
    return drop(SEGMENT.end);
  }

  /** Sends some frames of a segment in one of our own. */
  #forward(frames: Uint8Array, pieces: readonly number[]): void {
    if (pieces.length === 0) return;
    const segment = containedSegment(frames, pieces, this.#isLz4);
    this.#connection.inject(false, segment);
  }

  /** The first segments of a frame that is split over several, until it is decided. */
  #onSplitFrame(data: Uint8Array): Verdict {
    const segment = SEGMENT;
    const gathered = this.#gathered ??= {
      raw: 0,
      frame: new Uint8Array(2 * PAYLOAD_MAX),
      length: 0,
      whole: 0,
      next: HEADER,
    };
    for (;;) {
      if (gathered.length >= gathered.next) {
        const verdict = this.#judgeSplit(gathered);
        if (verdict) return verdict;
      }
      const missing = segment.read(
        data,
        gathered.raw,
        data.length,
        this.#isLz4,
      );
      if (missing > 0) return more(missing);
      if (missing < 0) {
        return this.#fail("crc", "the segment's header is corrupt");
      }
      if (data.length < segment.end) return more(segment.end - data.length);
      if (!segment.isIntact(data)) {
        return this.#fail("crc", "the segment's payload is corrupt");
      }
      if (segment.isContained || !this.#gather(gathered, data)) {
        return this.#fail("malformed", "a segment is no part of the frame");
      }
    }
  }

  /** Judges a frame by what is gathered of it; nothing if more is needed. */
  #judgeSplit(gathered: Gathered): Verdict | undefined {
    const { frame, length, whole, raw } = gathered;
    const requests = this.#requests;
    const header = HEAD;
    header.read(frame, 0, length);
    const fate = requests.check(header) ??
      requests.judge(header, frame, HEADER, length);
    switch (fate) {
      case "fail":
        return error(requests.failure);
      case "more":
        gathered.next = length < LARGE
          ? length + 1
          : Math.min(whole, 2 * length);
        return undefined;
    }
    this.#gathered = undefined;
    this.#state.requestRest = whole - length;
    this.#state.requestRestPasses = fate === "pass";
    return fate === "pass" ? pass(raw) : drop(raw);
  }

  /** Adds the segment at hand to a frame; false if it cannot be a part of it. */
  #gather(gathered: Gathered, data: Uint8Array): boolean {
    const segment = SEGMENT;
    const { length } = gathered;
    const after = length + segment.size;
    if (gathered.frame.length < after) {
      const larger = new Uint8Array(2 * after);
      larger.set(gathered.frame.subarray(0, length));
      gathered.frame = larger;
    }
    if (!segment.unpack(data, gathered.frame.subarray(length, after))) {
      return false;
    }
    gathered.length = after;
    gathered.raw = segment.end;
    if (length > 0) return after <= gathered.whole;
    if (HEAD.read(gathered.frame, 0, after) > 0) return false;
    gathered.whole = HEADER + HEAD.length;
    // A frame that fits in its first segment would be contained. One of negative length is refused later.
    return HEAD.length < 0 || after < gathered.whole;
  }

  get #isLz4(): boolean {
    return this.#state.compression === "lz4";
  }

  /** The connection fails for the sake of a segment, which has no stream. */
  #fail(code: string, message: string): Verdict {
    const header = HEAD;
    header.version = this.#state.version;
    header.stream = 0;
    this.#requests.fail(header, code, message);
    return error(code);
  }

  /** Sends a frame to the client, in a segment if need be, behind the reply that is passing. */
  #answer(frame: Uint8Array): void {
    const state = this.#state;
    const bytes = state.isSegmented
      ? containedSegment(frame, [0, frame.length], this.#isLz4)
      : frame;
    const isSplit = state.replyRest > 0;
    if (isSplit || this.#isReplyPassing) this.#waiting += bytes.length;
    if (isSplit) state.held.push(latin1(bytes));
    else this.#connection.inject(true, bytes);
  }

  // Replies

  #onReply(data: Uint8Array): Verdict {
    const state = this.#state;
    this.#isReplyPassing = false;
    if (state.replyRest === 0) {
      this.#waiting = 0;
      if (state.held.length > 0) this.#release();
    }
    if (data.length === 0) return nop();
    const verdict = state.isSegmented
      ? this.#onReplySegment(data)
      : this.#onReplyFrame(data);
    this.#isReplyPassing = verdict.op === "pass" && verdict.bytes > data.length;
    return verdict;
  }

  #release(): void {
    const { held } = this.#state;
    this.#state.held = [];
    for (const answer of held) {
      this.#connection.inject(true, fromLatin1(answer));
    }
  }

  #onReplyFrame(data: Uint8Array): Verdict {
    const header = HEAD;
    const missing = header.read(data, 0, data.length);
    if (missing > 0) return more(missing);
    if (!isReply(header)) return error(MALFORMED_REPLY);
    const learned = this.#replies.learn(
      header,
      data,
      header.bytes,
      data.length,
    );
    if (learned === "malformed") return error(MALFORMED_REPLY);
    if (learned === "more") return more(this.#replies.missing);
    return pass(header.bytes + header.length);
  }

  #onReplySegment(data: Uint8Array): Verdict {
    const state = this.#state;
    const segment = SEGMENT;
    const missing = segment.read(data, 0, data.length, this.#isLz4);
    if (missing > 0) return more(missing);
    if (missing < 0) return error(MALFORMED_REPLY);
    const { size, end, isContained } = segment;
    if (!isContained && state.replyRest > 0) {
      if (size > state.replyRest) return error(MALFORMED_REPLY);
      state.replyRest -= size;
      return pass(end);
    }
    if (this.#passesUnseen(data)) return pass(end);
    if (data.length < end) return more(end - data.length);
    if (!segment.isIntact(data)) return error(MALFORMED_REPLY);
    let frames = data.subarray(segment.payload, segment.payloadEnd);
    if (segment.isPacked) {
      frames = scratch(size);
      if (!segment.unpack(data, frames)) return error(MALFORMED_REPLY);
    }
    const isRead = isContained
      ? this.#onReplies(frames)
      : this.#onSplitReply(frames);
    return isRead ? pass(end) : error(MALFORMED_REPLY);
  }

  /** Whether a segment holds one frame, or the first part of one, that need not be looked into. */
  #passesUnseen(data: Uint8Array): boolean {
    const { payload, size, isPacked, isContained } = SEGMENT;
    const header = HEAD;
    if (isPacked || size < HEADER) return false;
    if (header.read(data, payload, data.length) > 0) return false;
    if (!isReply(header) || this.#replies.isTelling(header)) return false;
    const rest = HEADER + header.length - size;
    if (isContained ? rest !== 0 : rest <= 0) return false;
    this.#replies.skip(header);
    if (!isContained) this.#state.replyRest = rest;
    return true;
  }

  #onReplies(frames: Uint8Array): boolean {
    const header = HEAD;
    const end = frames.length;
    for (let at = 0; at < end;) {
      if (header.read(frames, at, end) > 0 || !isReply(header)) return false;
      const next = at + HEADER + header.length;
      if (next > end) return false;
      if (this.#replies.learn(header, frames, at + HEADER, next) !== "done") {
        return false;
      }
      at = next;
    }
    return true;
  }

  /** What the first part of a reply does not tell is not learned. */
  #onSplitReply(frames: Uint8Array): boolean {
    const header = HEAD;
    const end = frames.length;
    if (header.read(frames, 0, end) > 0 || !isReply(header)) return false;
    const rest = HEADER + header.length - end;
    if (rest <= 0) return false;
    let learned = this.#replies.learn(header, frames, HEADER, end);
    if (learned === "more") learned = this.#replies.skip(header);
    if (learned === "malformed") return false;
    this.#state.replyRest = rest;
    return true;
  }
}

/** Whether a header is one of a reply. Older versions answer a client that asks for a newer one. */
function isReply({ isResponse, version, length }: Header): boolean {
  return isResponse && version >= 1 && version <= NEWEST && length >= 0 &&
    length <= FRAME_MAX;
}
