/**
 * Frames of Parley's own to the client: each leaves between two replies of the
 * server, never inside one.
 *
 * @module
 */
import { type Connection, fromLatin1, latin1 } from "parley/proxylib";
import type { Request } from "./request.ts";
import { containedSegment } from "./segment.ts";
import type { State } from "./state.ts";

/** Bytes of answers that may wait for a reply under way before no further request is read. */
const WAITING_MAX = 256 * 1024;

/** Sends answers of ours. */
export class Answers {
  readonly #connection: Connection<Request>;
  readonly #state: State;
  /** A reply is passing, and its end has not been seen. */
  #isReplyPassing = false;
  /** Bytes of answers that wait for that. */
  #waiting = 0;

  constructor(connection: Connection<Request>, state: State) {
    this.#connection = connection;
    this.#state = state;
  }

  /** Whether so many wait that no further request is to be read. */
  get areTooMany(): boolean {
    return this.#waiting > WAITING_MAX;
  }

  /** Sends a frame, in a segment if need be, behind the reply that is passing. */
  send(frame: Uint8Array): void {
    const state = this.#state;
    const bytes = state.isSegmented
      ? containedSegment(frame, [0, frame.length], state.compression === "lz4")
      : frame;
    const isSplit = state.replyRest > 0;
    if (isSplit || this.#isReplyPassing) this.#waiting += bytes.length;
    if (isSplit) state.held.push(latin1(bytes));
    else this.#connection.inject(true, bytes);
  }

  /** The server's bytes are at a boundary of frames or segments. */
  resume(): void {
    const state = this.#state;
    this.#isReplyPassing = false;
    if (state.replyRest > 0) return;
    this.#waiting = 0;
    if (state.held.length === 0) return;
    const { held } = state;
    state.held = [];
    for (const answer of held) {
      this.#connection.inject(true, fromLatin1(answer));
    }
  }

  /** A reply passes that is not at hand as a whole. */
  pause(): void {
    this.#isReplyPassing = true;
  }
}
