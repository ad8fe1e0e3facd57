/**
 * What a client is told of what does not pass, and the log with it.
 *
 * @module
 */
import type { Connection, Decision, Fields } from "parley/proxylib";
import { UNKNOWN } from "./actions.ts";
import { denial, errorFrame, unprepared } from "./denial.ts";
import type { Header } from "./header.ts";
import type { Request } from "./request.ts";
import type { State } from "./state.ts";
import { NEWEST, OLDEST, PROTOCOL_ERROR, REQUESTS } from "./wire.ts";

const UNKNOWN_OPCODE: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "unknown-opcode",
};
const UNKNOWN_ID: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "unprepared",
};

/** Answers requests in the server's place. */
export class Refusals {
  readonly #connection: Connection<Request>;
  readonly #state: State;
  readonly #answer: (frame: Uint8Array) => void;
  /** Why the connection has failed: the log's `reason`. */
  failure = "";

  /** @param answer sends a frame to the client */
  constructor(
    connection: Connection<Request>,
    state: State,
    answer: (frame: Uint8Array) => void,
  ) {
    this.#connection = connection;
    this.#state = state;
    this.#answer = answer;
  }

  /** The connection fails. @param code why, see {@linkcode failure} */
  fail({ version, stream }: Header, code: string, message: string): "fail" {
    const spoken = this.#state.version ||
      Math.max(OLDEST, Math.min(version, NEWEST));
    return this.#failIn(spoken, stream, code, message);
  }

  /** As the server does: an old version in its own frame, a new one in the newest that is known. */
  version({ version, stream }: Header): "fail" {
    const message = `Invalid or unsupported protocol version (${version}); ` +
      "supported versions are (3/v3, 4/v4, 5/v5)";
    const spoken = version === 1 || version === 2 ? version : NEWEST;
    return this.#failIn(spoken, stream, "version", message);
  }

  #failIn(
    version: number,
    stream: number,
    code: string,
    message: string,
  ): "fail" {
    this.#answer(errorFrame(version, stream, PROTOCOL_ERROR, message));
    this.failure = code;
    return "fail";
  }

  /** The protocol has no such request. */
  opcode({ version, stream, opcode }: Header): "drop" {
    const name = `0x${opcode.toString(16).padStart(2, "0")}`;
    const asked = this.#connection.log(UNKNOWN_OPCODE, { opcode: name });
    const message = `unknown opcode ${name}`;
    this.#answer(errorFrame(version, stream, PROTOCOL_ERROR, message));
    this.#connection.answered(asked);
    return "drop";
  }

  /** Nobody has prepared a statement under this id; the driver does so then. */
  unprepared({ version, stream, opcode }: Header, id: string): "drop" {
    const fields: Fields = {
      query_action: UNKNOWN,
      prepared: true,
      opcode: REQUESTS.get(opcode)!,
      status: "unknown prepared query id",
    };
    const asked = this.#connection.log(UNKNOWN_ID, fields);
    this.#answer(unprepared(version, stream, id));
    this.#connection.answered(asked);
    return "drop";
  }

  /** A statement is denied, which is logged already. */
  denied({ version, stream }: Header, request: Request): "drop" {
    this.#answer(denial(version, stream, request));
    for (const asked of this.#state.streams.asked) {
      this.#connection.answered(asked);
    }
    return "drop";
  }
}
