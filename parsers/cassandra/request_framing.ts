/**
 * Cuts what the client sends into requests, and says what becomes of their bytes.
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
  more,
  pass,
  type Verdict,
} from "parley/proxylib";
import { scratch } from "./body.ts";
import { Header } from "./header.ts";
import type { Refusals } from "./refusals.ts";
import type { Request } from "./request.ts";
import type { Fate, Requests } from "./requests.ts";
import { containedSegment, Segment } from "./segment.ts";
import { SplitFrame } from "./split_frame.ts";
import type { State } from "./state.ts";
import { HEADER } from "./wire.ts";

/** From this size on a frame that is not decided is read again when it has doubled, not for each part of it. */
const LARGE = 64 * 1024;

// Calls of parsers never overlap, so what a call needs while it lasts is there once for all.
const HEAD = new Header();
const SEGMENT = new Segment();

/** The requests of one connection, as bytes. */
export class RequestFraming {
  readonly #connection: Connection<Request>;
  readonly #state: State;
  readonly #requests: Requests;
  readonly #refusals: Refusals;
  #split: SplitFrame | undefined;

  constructor(
    connection: Connection<Request>,
    state: State,
    requests: Requests,
    refusals: Refusals,
  ) {
    this.#connection = connection;
    this.#state = state;
    this.#requests = requests;
    this.#refusals = refusals;
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
        return error(this.#refusals.failure);
      case "more": {
        if (data.length < LARGE) return more(requests.missing);
        const ahead = Math.min(whole - data.length, data.length);
        return more(Math.max(requests.missing, ahead));
      }
    }
  }

  #onSegment(data: Uint8Array): Verdict {
    const segment = SEGMENT;
    const missing = segment.read(data, 0, data.length, this.#isLz4);
    if (missing > 0) return more(missing);
    if (missing < 0) return this.#corruptHeader();
    if (this.#state.requestRest > 0) return this.#onRest();
    if (!segment.isContained) return this.#onSplitFrame(data);
    if (data.length < segment.end) return more(segment.end - data.length);
    if (!segment.isIntact(data)) return this.#corruptPayload();
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
      const message = "a segment is no part of the frame before";
      return this.#fail("malformed", message);
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
        ? this.#refusals.fail(header, "malformed", "a frame leaves its segment")
        : this.#requests.check(header) ??
          this.#requests.judge(header, frames, at + HEADER, next);
      if (fate === "pass") {
        if (pieces.at(-1) === at) pieces[pieces.length - 1] = next;
        else pieces.push(at, next);
      } else if (fate === "drop") {
        isWhole = false;
      } else {
        this.#forward(frames, pieces);
        return error(this.#refusals.failure);
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
    const split = this.#split ??= new SplitFrame();
    for (;;) {
      if (split.isWorthReading) {
        const verdict = this.#judgeSplit(split);
        if (verdict) return verdict;
      }
      const missing = segment.read(data, split.taken, data.length, this.#isLz4);
      if (missing > 0) return more(missing);
      if (missing < 0) return this.#corruptHeader();
      if (data.length < segment.end) return more(segment.end - data.length);
      if (!segment.isIntact(data)) return this.#corruptPayload();
      if (segment.isContained || !split.add(segment, data)) {
        return this.#fail("malformed", "a segment is no part of the frame");
      }
    }
  }

  /** Judges a frame by what is gathered of it; nothing if more is needed. */
  #judgeSplit(split: SplitFrame): Verdict | undefined {
    const { bytes, length, whole, taken } = split;
    const requests = this.#requests;
    const header = HEAD;
    header.read(bytes, 0, length);
    const fate = requests.check(header) ??
      requests.judge(header, bytes, HEADER, length);
    switch (fate) {
      case "fail":
        return error(this.#refusals.failure);
      case "more":
        split.wait();
        return undefined;
    }
    this.#split = undefined;
    this.#state.requestRest = whole - length;
    this.#state.requestRestPasses = fate === "pass";
    return fate === "pass" ? pass(taken) : drop(taken);
  }

  get #isLz4(): boolean {
    return this.#state.compression === "lz4";
  }

  #corruptHeader(): Verdict {
    return this.#fail("crc", "the segment's header is corrupt");
  }

  #corruptPayload(): Verdict {
    return this.#fail("crc", "the segment's payload is corrupt");
  }

  /** The connection fails for the sake of a segment, which has no stream. */
  #fail(code: string, message: string): Verdict {
    const header = HEAD;
    header.version = this.#state.version;
    header.stream = 0;
    this.#refusals.fail(header, code, message);
    return error(code);
  }
}
