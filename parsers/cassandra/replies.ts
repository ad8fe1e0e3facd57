/**
 * The server's half of a connection: all passes, and what must be known of it is
 * learned on the way.
 *
 * @module
 */
import type { Connection, Decision } from "parley/proxylib";
import { type Answered, nothingAnswered, readAnswered } from "./answered.ts";
import { Body, type Compression } from "./body.ts";
import type { Header } from "./header.ts";
import type { Reader } from "./reader.ts";
import type { Request } from "./request.ts";
import type { State } from "./state.ts";
import type { Sent } from "./streams.ts";
import {
  AUTHENTICATE,
  COMPRESSED,
  ERROR,
  EVENT,
  PREPARED,
  READY,
  RESULT,
  SEGMENTED,
  SET_KEYSPACE,
} from "./wire.ts";

/** What became of a reply: it is learned from, more of it is needed, or it is none. */
export type Learned = "done" | "more" | "malformed";

const FORWARDED: Decision = { allowed: true, verdict: "forwarded" };

// Calls of parsers never overlap, so what a call needs while it lasts is there once for all.
const BODY = new Body();
const ANSWERED: Answered = nothingAnswered();

/** Reads replies. */
export class Replies {
  readonly #connection: Connection<Request>;
  readonly #state: State;
  #header!: Header;
  /** Bytes that `more` needs at least. */
  missing = 0;

  constructor(connection: Connection<Request>, state: State) {
    this.#connection = connection;
    this.#state = state;
  }

  /** Whether the body of a reply must be looked into. */
  isTelling({ opcode, stream }: Header): boolean {
    if (opcode === ERROR) return true;
    if (opcode !== RESULT) return false;
    const sent = this.#state.streams.get(stream);
    return sent !== undefined && (sent.mayUse || sent.prepares !== "");
  }

  /**
   * Learns what a reply says.
   *
   * @param start where its body begins in `data`, of which `end` bytes are at hand
   */
  learn(
    header: Header,
    data: Uint8Array,
    start: number,
    end: number,
  ): Learned {
    ANSWERED.kind = 0;
    ANSWERED.code = 0;
    if (this.isTelling(header)) {
      const outcome = this.#open(header, data, start, end);
      this.missing = BODY.missing;
      if (outcome === "more" || outcome === "malformed") return outcome;
      if (outcome === "limit") return this.skip(header);
    }
    this.#settle(header);
    return "done";
  }

  #open(header: Header, data: Uint8Array, start: number, end: number) {
    this.#header = header;
    const { version, flags, length } = header;
    const isPacked = flags & COMPRESSED && version < SEGMENTED;
    const compression: Compression = isPacked ? this.#state.compression : "";
    return BODY.read(
      data,
      start,
      end,
      length,
      compression,
      this.#connection.frameBytes,
      this.#read,
    );
  }

  #read = (reader: Reader): void => {
    const { flags, opcode } = this.#header;
    readAnswered(reader, flags, opcode, ANSWERED);
  };

  /** Lets a reply pass without learning from it, unless it may say which keyspace counts from now on. */
  skip(header: Header): "done" | "malformed" {
    ANSWERED.kind = 0;
    ANSWERED.code = 0;
    const sent = this.#state.streams.get(header.stream);
    if (header.opcode === RESULT && sent?.mayUse) return "malformed";
    this.#settle(header);
    return "done";
  }

  /** Settles the request that a reply answers. */
  #settle({ opcode, stream, version }: Header): void {
    const state = this.#state;
    if (opcode === EVENT) return;
    const { startup, phase } = state;
    if (phase === "starting" && stream === startup.stream) {
      this.#started(opcode, version);
    }
    const { kind, keyspace, id, code } = ANSWERED;
    if (kind === SET_KEYSPACE) this.#use(keyspace);
    const sent = state.streams.get(stream);
    if (sent === undefined) return;
    if (kind === PREPARED && sent.prepares !== "") {
      this.#connection.shared.set(id, sent.prepares);
    }
    if (this.#connection.logsResponses) {
      this.#log(sent, opcode === ERROR ? code : undefined);
    }
    if (sent.count === 1) {
      for (const asked of sent.asked) this.#connection.answered(asked);
    }
    state.streams.settle(stream, sent);
  }

  /** The session is in a keyspace now; or another statement put it in another after that. */
  #use(keyspace: string): void {
    const state = this.#state;
    const others = state.streams.isInDoubt
      ? state.keyspaces.filter((other) => other !== keyspace)
      : [];
    state.keyspaces = [...others, keyspace];
  }

  #log({ fields, asked }: Sent, code: number | undefined): void {
    const error = code === undefined
      ? fields
      : { ...fields, error: `0x${code.toString(16).padStart(4, "0")}` };
    this.#connection.log(FORWARDED, error, "response", asked.at(-1));
  }

  /** The server has answered STARTUP; from the next frame on both speak as agreed. */
  #started(opcode: number, version: number): void {
    const state = this.#state;
    const { startup } = state;
    const { compression } = startup;
    const isKnown = compression === "" || compression === "lz4" ||
      (compression === "snappy" && startup.version < SEGMENTED);
    const isAccepted = opcode === READY || opcode === AUTHENTICATE;
    if (!isAccepted && opcode !== ERROR) return; // it answers another request
    if (!isAccepted || !isKnown || version !== startup.version) {
      // The server may take it as begun all the same; where that changes nothing, nor does it here.
      const isPlain = startup.version < SEGMENTED && compression === "";
      state.phase = isPlain ? "open" : "refused";
      return;
    }
    state.phase = "ready";
    state.version = version;
    state.compression = compression;
    state.isSegmented = version >= SEGMENTED;
  }
}
