/**
 * The client's half of a connection: each request is read, judged and logged,
 * and passed or answered in its place.
 *
 * @module
 */
import type { Connection, Decision, Fields } from "parley/proxylib";
import { UNKNOWN } from "./actions.ts";
import { type Asked, nothingAsked, readAsked } from "./asked.ts";
import { Body, type Compression } from "./body.ts";
import { denial, errorFrame, unprepared } from "./denial.ts";
import type { Header } from "./header.ts";
import type { Reader } from "./reader.ts";
import { plainRequest, type Request, statementRequest } from "./request.ts";
import type { State } from "./state.ts";
import {
  type Prepared,
  prepareRecord,
  readRecord,
  Recognized,
  recognized,
} from "./statements.ts";
import { SETTLED } from "./streams.ts";
import {
  BATCH,
  COMPRESSED,
  EXECUTE,
  FRAME_MAX,
  NEWEST,
  OLDEST,
  PREPARE,
  PROTOCOL_ERROR,
  QUERY,
  REQUESTS,
  SEGMENTED,
  STARTUP,
} from "./wire.ts";

/** What is to become of a request's bytes. */
export type Fate =
  | "pass"
  | "drop"
  /** More of it is needed: {@linkcode Requests.missing}. */
  | "more"
  /** The connection fails: {@linkcode Requests.failure}. */
  | "fail";

/** Characters of texts under way that are remembered, past which no further request is read. */
const WEIGHT_MAX = 4 * 1024 * 1024;
/** Keyspaces that a session may be in at once, and texts that depend on which, while a USE is sent. */
const DOUBTS_MAX = 8;
const TEXTS_MAX = 1024;

const DENIED_WITH_OTHERS: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "batch",
};
const UNDER_WAY: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "requests-under-way",
};
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

/** Asks whether a rule names `use`. */
const NAMES_USE: Request = {
  action: "use",
  tables: [],
  use: "named",
  fields: {},
};
const PLAIN: ReadonlyMap<number, Request> = new Map(
  [...REQUESTS].map(([opcode, name]) => [opcode, plainRequest(name)]),
);
const EMPTY_BATCH: Request = statementRequest(
  { action: "empty-batch", targets: [], shape: "" },
  "batch",
  "",
);

// Calls of parsers never overlap, so what a call needs while it lasts is there once for all.
const BODY = new Body();
const ASKED: Asked = nothingAsked();

/** Reads and judges requests. */
export class Requests {
  readonly #connection: Connection<Request>;
  readonly #state: State;
  readonly #answer: (frame: Uint8Array) => void;
  #header!: Header;
  /** Bytes that `more` needs at least. */
  missing = 0;
  /** Why `fail`. */
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

  /** Whether no request may be read for now, whatever it is. */
  get areHeld(): boolean {
    return this.#state.streams.weight > WEIGHT_MAX;
  }

  /** Checks a header. Empty: its body may be read; else the connection has failed. */
  check(header: Header): Fate | undefined {
    const { version, stream, length, flags } = header;
    const { phase, version: settled, compression } = this.#state;
    if (header.isResponse) {
      return this.fail(header, "malformed", "a request came as a response");
    }
    if (version < OLDEST || version > NEWEST) {
      return this.#refuseVersion(header);
    }
    if (phase === "starting" && this.#changesFraming) {
      const message = "STARTUP is not answered: its answer says how to go on";
      return this.fail(header, "startup", message);
    }
    if (phase === "refused") {
      return this.fail(header, "startup", "the server has refused STARTUP");
    }
    if (settled !== 0 && version !== settled) {
      const message =
        `invalid message version ${version}: earlier messages on this connection have ${settled}`;
      return this.fail(header, "version", message);
    }
    if (length < 0 || length > FRAME_MAX) {
      return this.fail(header, "frame-length", "a frame is limited to 256 MB");
    }
    if (flags & COMPRESSED && version < SEGMENTED && compression === "") {
      const message = `no compression was agreed on, on stream ${stream}`;
      return this.fail(header, "compression", message);
    }
    return undefined;
  }

  /** Whether frames look otherwise once STARTUP is accepted. */
  get #changesFraming(): boolean {
    const { version, compression } = this.#state.startup;
    return version >= SEGMENTED || compression !== "";
  }

  /**
   * Judges a request whose header was checked.
   *
   * @param start where its body begins in `data`, of which `end` bytes are at hand
   */
  judge(
    header: Header,
    data: Uint8Array,
    start: number,
    end: number,
  ): Fate {
    const { opcode, version, flags, stream, length } = header;
    const plain = PLAIN.get(opcode);
    if (plain === undefined) return this.#refuseOpcode(header);
    if (opcode >= QUERY || opcode === STARTUP) {
      this.#header = header;
      const isPacked = flags & COMPRESSED && version < SEGMENTED;
      const compression: Compression = isPacked ? this.#state.compression : "";
      const outcome = BODY.read(
        data,
        start,
        end,
        length,
        compression,
        this.#connection.frameBytes,
        this.#read,
      );
      if (outcome === "more") {
        this.missing = BODY.missing;
        return "more";
      }
      if (outcome === "limit") {
        return this.fail(header, "limit", "the body unpacks to too much");
      }
      if (outcome === "malformed") {
        return this.fail(header, "malformed", "a length reaches past the body");
      }
    }
    switch (opcode) {
      case STARTUP:
        return this.#startup(header, plain);
      case QUERY:
      case PREPARE:
        return this.#text(header, opcode === PREPARE);
      case EXECUTE:
        return this.#execute(header);
      case BATCH:
        return this.#batch(header);
    }
    if (!this.#allow(header, [plain])) return "drop";
    this.#state.streams.send(stream, plain.fields, SETTLED);
    return "pass";
  }

  #read = (reader: Reader): void => {
    const { version, flags, opcode } = this.#header;
    readAsked(reader, version, flags, opcode, ASKED);
  };

  /** The connection fails; the client is told why. */
  fail({ version, stream }: Header, code: string, message: string): "fail" {
    const spoken = this.#state.version ||
      Math.max(OLDEST, Math.min(version, NEWEST));
    this.#answer(errorFrame(spoken, stream, PROTOCOL_ERROR, message));
    this.failure = code;
    return "fail";
  }

  /** As the server does: an old version in its own frame, a new one in the newest that is known. */
  #refuseVersion({ version, stream }: Header): "fail" {
    const message = `Invalid or unsupported protocol version (${version}); ` +
      "supported versions are (3/v3, 4/v4, 5/v5)";
    const spoken = version === 1 || version === 2 ? version : NEWEST;
    this.#answer(errorFrame(spoken, stream, PROTOCOL_ERROR, message));
    this.failure = "version";
    return "fail";
  }

  #refuseOpcode({ version, stream, opcode }: Header): "drop" {
    const name = `0x${opcode.toString(16).padStart(2, "0")}`;
    this.#connection.log(UNKNOWN_OPCODE, { opcode: name });
    const message = `unknown opcode ${name}`;
    this.#answer(errorFrame(version, stream, PROTOCOL_ERROR, message));
    return "drop";
  }

  #startup(header: Header, plain: Request): Fate {
    const { stream, version } = header;
    const state = this.#state;
    if (state.phase !== "open") {
      return this.fail(header, "startup", "there was a STARTUP before");
    }
    if (!this.#allow(header, [plain])) return "drop";
    const { compression } = ASKED;
    state.startup = { stream, version, compression };
    state.phase = "starting";
    state.streams.send(stream, plain.fields, SETTLED);
    return "pass";
  }

  #text(header: Header, isPrepare: boolean): Fate {
    const { stream } = header;
    const { text, keyspace: own } = ASKED;
    const { streams, keyspaces } = this.#state;
    const known = recognized(text);
    const opcode = isPrepare ? "prepare" : "query";
    const isUnqualified = known.isUnqualified && own === undefined;
    const isCertain = !isUnqualified ||
      streams.uses === 0 && keyspaces.length < 2;
    const keyspace = own ?? this.#keyspace;
    const requests = isCertain
      ? known.requests(opcode, keyspace)
      : this.#inDoubt((keyspace) => known.requests(opcode, keyspace));
    const mayUse = known.mayUse && !isPrepare;
    if (!this.#allow(header, requests, mayUse)) return "drop";

    const { fields, action, tables } = requests[0]!;
    if (!isUnqualified && !mayUse && !isPrepare) {
      streams.send(stream, fields, SETTLED);
      return "pass";
    }
    streams.send(stream, fields, {
      texts: isUnqualified ? [text] : [],
      mayUse,
      keyspace: mayUse && action === "use" ? tables[0]! : "",
      prepares: isPrepare && isCertain ? prepareRecord(keyspace, text) : "",
    });
    return "pass";
  }

  #execute(header: Header): Fate {
    const { stream } = header;
    const { id } = ASKED;
    const prepared = this.#prepared(id);
    if (!prepared) return this.#unprepared(header, id);
    const { mayUse } = prepared.recognized;
    const requests = prepared.recognized.requests("execute", prepared.keyspace);
    if (!this.#allow(header, requests, mayUse)) return "drop";
    const { fields, action, tables } = requests[0]!;
    const keyspace = action === "use" ? tables[0]! : "";
    this.#state.streams.send(
      stream,
      fields,
      mayUse ? { ...SETTLED, mayUse, keyspace } : SETTLED,
    );
    return "pass";
  }

  #batch(header: Header): Fate {
    const { parts, keyspace: own } = ASKED;
    const known: (Recognized | Prepared)[] = [];
    const texts: string[] = [];
    for (const { isId, value } of parts) {
      if (!isId) {
        const text = recognized(value);
        if (text.isUnqualified && own === undefined) texts.push(value);
        known.push(text);
        continue;
      }
      const prepared = this.#prepared(value);
      if (!prepared) return this.#unprepared(header, value);
      known.push(prepared);
    }
    const { streams, keyspaces } = this.#state;
    const isCertain = texts.length === 0 ||
      streams.uses === 0 && keyspaces.length < 2;
    const requests = isCertain
      ? batchRequests(known, own ?? this.#keyspace)
      : this.#inDoubt((keyspace) => batchRequests(known, keyspace));
    if (!this.#allow(header, requests)) return "drop";
    const { fields } = requests[0]!;
    streams.send(
      header.stream,
      fields,
      texts.length === 0 ? SETTLED : { ...SETTLED, texts },
    );
    return "pass";
  }

  /** The session's, as far as it is known; empty: none. */
  get #keyspace(): string {
    return this.#state.keyspaces.at(-1) ?? "";
  }

  /**
   * The server works on requests side by side: a text may be read in the keyspace
   * of a USE that was sent before it, or after. So it must be allowed in each of
   * them. Gives the requests for a keyspace in which it is not, if there is one.
   */
  #inDoubt(
    requestsIn: (keyspace: string) => readonly Request[],
  ): readonly Request[] {
    const { keyspaces, streams } = this.#state;
    const possible = [...streams.keyspaces, ...keyspaces];
    if (possible.length === 0) possible.push(""); // without one the server finds no table
    for (const keyspace of possible) {
      const requests = requestsIn(keyspace);
      if (!this.#areAllowed(requests)) return requests;
    }
    return requestsIn(possible.at(-1)!);
  }

  /** Whether a USE may be sent while what is under way might be read in its keyspace. */
  #isSafe(keyspace: string): boolean {
    const { streams, keyspaces } = this.#state;
    if (streams.uses + keyspaces.length > DOUBTS_MAX) return false;
    if (streams.texts.size > TEXTS_MAX) return false;
    for (const text of streams.texts.keys()) {
      if (!this.#areAllowed(recognized(text).requests("query", keyspace))) {
        return false;
      }
    }
    return true;
  }

  #areAllowed(requests: readonly Request[]): boolean {
    return requests.every((request) => this.#decide(request).allowed);
  }

  #prepared(id: string): Prepared | undefined {
    const record = this.#connection.shared.get(id);
    return record === undefined ? undefined : readRecord(record);
  }

  #unprepared({ version, stream, opcode }: Header, id: string): "drop" {
    const fields: Fields = {
      query_action: UNKNOWN,
      prepared: true,
      opcode: REQUESTS.get(opcode)!,
      status: "unknown prepared query id",
    };
    this.#connection.log(UNKNOWN_ID, fields);
    this.#answer(unprepared(version, stream, id));
    return "drop";
  }

  /** Decides on all statements of a request, and logs each; answers what is denied. */
  #allow(
    { version, stream }: Header,
    requests: readonly Request[],
    mayUse = false,
  ): boolean {
    const denied = requests.length === 1
      ? this.#settle(requests[0]!, mayUse)
      : this.#settleAll(requests);
    if (!denied) return true;
    this.#answer(denial(version, stream, denied));
    return false;
  }

  /** The request, if it is denied. */
  #settle(request: Request, mayUse: boolean): Request | undefined {
    let decision = this.#decide(request);
    if (mayUse && decision.allowed && request.action === "use") {
      if (!this.#isSafe(request.tables[0]!)) decision = UNDER_WAY;
    }
    this.#state.streams.asked = this.#connection.log(decision, request.fields);
    return decision.allowed ? undefined : request;
  }

  /** The first request that is denied; the others are then denied with it. */
  #settleAll(requests: readonly Request[]): Request | undefined {
    const decisions = requests.map((request) => this.#decide(request));
    const denied = decisions.findIndex(({ allowed }) => !allowed);
    for (const [i, request] of requests.entries()) {
      const decision = decisions[i]!;
      const isTaken = decision.allowed && denied >= 0;
      this.#state.streams.asked = this.#connection.log(
        isTaken ? DENIED_WITH_OTHERS : decision,
        request.fields,
      );
    }
    return requests[denied];
  }

  #decide(request: Request): Decision {
    const decision = request.action === "use"
      ? this.#decideUse(request)
      : this.#connection.matches(request);
    return request.action === UNKNOWN && decision.verdict !== "forwarded" &&
        decision.rule === undefined
      ? { ...decision, reason: "unknown-request" }
      : decision;
  }

  #decideUse(request: Request): Decision {
    const { verdict } = this.#connection.matches(NAMES_USE);
    return this.#connection.matches(
      verdict === "forwarded" ? { ...request, use: "strict" } : request,
    );
  }
}

/** The statements of a batch, texts in `keyspace`. */
function batchRequests(
  known: readonly (Recognized | Prepared)[],
  keyspace: string,
): readonly Request[] {
  if (known.length === 0) return [EMPTY_BATCH];
  return known.flatMap((each) =>
    each instanceof Recognized
      ? each.requests("batch", keyspace)
      : each.recognized.requests("batch-id", each.keyspace)
  );
}
