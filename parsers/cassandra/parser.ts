/**
 * A connection: frames, and from version 5 on segments, in both directions.
 *
 * @module
 */
import {
  type Connection,
  nop,
  type Parser,
  type Verdict,
} from "parley/proxylib";
import { Answers } from "./answers.ts";
import { Refusals } from "./refusals.ts";
import { Replies } from "./replies.ts";
import { ReplyFraming } from "./reply_framing.ts";
import type { Request } from "./request.ts";
import { RequestFraming } from "./request_framing.ts";
import { Requests } from "./requests.ts";
import { type Snapshot, State } from "./state.ts";

/** The parser of one connection. */
export class CassandraParser implements Parser {
  readonly #state: State;
  readonly #answers: Answers;
  readonly #requests: Requests;
  readonly #requestFraming: RequestFraming;
  readonly #replyFraming: ReplyFraming;

  /** @param saved what `snapshot` gave */
  constructor(connection: Connection<Request>, saved?: Snapshot) {
    const state = new State(saved);
    const answers = new Answers(connection, state);
    const refusals = new Refusals(
      connection,
      state,
      (frame) => answers.send(frame),
    );
    this.#state = state;
    this.#answers = answers;
    this.#requests = new Requests(connection, state, refusals);
    this.#requestFraming = new RequestFraming(
      connection,
      state,
      this.#requests,
      refusals,
    );
    this.#replyFraming = new ReplyFraming(
      state,
      new Replies(connection, state),
    );
  }

  onData(reply: boolean, _end: boolean, data: Uint8Array): Verdict {
    return reply ? this.#onReply(data) : this.#onRequest(data);
  }

  snapshot(): Snapshot {
    return this.#state.save();
  }

  #onRequest(data: Uint8Array): Verdict {
    const isHeld = this.#requests.areHeld || this.#answers.areTooMany;
    return data.length === 0 || isHeld
      ? nop()
      : this.#requestFraming.decide(data);
  }

  #onReply(data: Uint8Array): Verdict {
    this.#answers.resume();
    if (data.length === 0) return nop();
    const verdict = this.#replyFraming.decide(data);
    if (verdict.op === "pass" && verdict.bytes > data.length) {
      this.#answers.pause();
    }
    return verdict;
  }
}
