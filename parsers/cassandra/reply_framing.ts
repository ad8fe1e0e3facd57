/**
 * Cuts what the server sends into replies, as far as they must be known, and
 * lets all of it pass.
 *
 * @module
 */
import { error, more, pass, type Verdict } from "parley/proxylib";
import { scratch } from "./body.ts";
import { Header } from "./header.ts";
import type { Replies } from "./replies.ts";
import { Segment } from "./segment.ts";
import type { State } from "./state.ts";
import { FRAME_MAX, HEADER, NEWEST } from "./wire.ts";

const MALFORMED = "malformed-reply";

// Calls of parsers never overlap, so what a call needs while it lasts is there once for all.
const HEAD = new Header();
const SEGMENT = new Segment();

/** The replies of one connection, as bytes. */
export class ReplyFraming {
  readonly #state: State;
  readonly #replies: Replies;

  constructor(state: State, replies: Replies) {
    this.#state = state;
    this.#replies = replies;
  }

  /** Decides on the bytes at hand, which are one at least. */
  decide(data: Uint8Array): Verdict {
    return this.#state.isSegmented
      ? this.#onSegment(data)
      : this.#onFrame(data);
  }

  #onFrame(data: Uint8Array): Verdict {
    const header = HEAD;
    const missing = header.read(data, 0, data.length);
    if (missing > 0) return more(missing);
    if (!isReply(header)) return error(MALFORMED);
    const replies = this.#replies;
    const learned = replies.learn(header, data, header.bytes, data.length);
    if (learned === "malformed") return error(MALFORMED);
    if (learned === "more") return more(replies.missing);
    return pass(header.bytes + header.length);
  }

  #onSegment(data: Uint8Array): Verdict {
    const state = this.#state;
    const segment = SEGMENT;
    const isLz4 = state.compression === "lz4";
    const missing = segment.read(data, 0, data.length, isLz4);
    if (missing > 0) return more(missing);
    if (missing < 0) return error(MALFORMED);
    const { size, end, isContained } = segment;
    if (!isContained && state.replyRest > 0) {
      if (size > state.replyRest) return error(MALFORMED);
      state.replyRest -= size;
      return pass(end);
    }
    if (this.#passesUnseen(data)) return pass(end);
    if (data.length < end) return more(end - data.length);
    if (!segment.isIntact(data)) return error(MALFORMED);
    let frames = data.subarray(segment.payload, segment.payloadEnd);
    if (segment.isPacked) {
      frames = scratch(size);
      if (!segment.unpack(data, frames)) return error(MALFORMED);
    }
    const isRead = isContained
      ? this.#onReplies(frames)
      : this.#onSplitReply(frames);
    return isRead ? pass(end) : error(MALFORMED);
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
