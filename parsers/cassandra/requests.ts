/**
 * The client's half of a connection: each request is read, judged and logged,
 * and passed or answered in its place.
 *
 * @module
 */
import type { Connection } from "parley/proxylib";
import { type Asked, nothingAsked, readAsked } from "./asked.ts";
import { Body, type Compression } from "./body.ts";
import { faultOf, isSpoken } from "./check.ts";
import type { Header } from "./header.ts";
import { Judge } from "./judge.ts";
import type { Reader } from "./reader.ts";
import type { Refusals } from "./refusals.ts";
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
  PREPARE,
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
  /** The connection fails: {@linkcode Refusals.failure}. */
  | "fail";

/** Characters of texts under way that are remembered, past which no further request is read. */
const WEIGHT_MAX = 4 * 1024 * 1024;

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
  readonly #refusals: Refusals;
  readonly #judge: Judge;
  #header!: Header;
  /** Bytes that `more` needs at least. */
  missing = 0;

  constructor(
    connection: Connection<Request>,
    state: State,
    refusals: Refusals,
  ) {
    this.#connection = connection;
    this.#state = state;
    this.#refusals = refusals;
    this.#judge = new Judge(connection, state);
  }

  /** Whether no request may be read for now, whatever it is. */
  get areHeld(): boolean {
    return this.#state.streams.weight > WEIGHT_MAX;
  }

  /** Checks a header. Empty: its body may be read; else the connection has failed. */
  check(header: Header): Fate | undefined {
    const refusals = this.#refusals;
    if (header.isResponse) {
      const message = "a request came as a response";
      return refusals.fail(header, "malformed", message);
    }
    if (!isSpoken(header.version)) return refusals.version(header);
    const fault = faultOf(header, this.#state);
    return fault && refusals.fail(header, fault.code, fault.message);
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
    const { opcode, stream } = header;
    const plain = PLAIN.get(opcode);
    if (plain === undefined) return this.#refusals.opcode(header);
    if (opcode >= QUERY || opcode === STARTUP) {
      const failed = this.#open(header, data, start, end);
      if (failed !== undefined) return failed;
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
    const denied = this.#judge.settle([plain], false);
    if (denied) return this.#refusals.denied(header, denied);
    this.#state.streams.send(stream, plain.fields, SETTLED);
    return "pass";
  }

  /** Reads a body. Empty: it was read. */
  #open(
    header: Header,
    data: Uint8Array,
    start: number,
    end: number,
  ): Fate | undefined {
    const { version, flags, length } = header;
    const isPacked = flags & COMPRESSED && version < SEGMENTED;
    const compression: Compression = isPacked ? this.#state.compression : "";
    this.#header = header;
    const outcome = BODY.read(
      data,
      start,
      end,
      length,
      compression,
      this.#connection.frameBytes,
      this.#read,
    );
    switch (outcome) {
      case "read":
        return undefined;
      case "more":
        this.missing = BODY.missing;
        return "more";
      case "limit": {
        const message = "the body unpacks to too much";
        return this.#refusals.fail(header, "limit", message);
      }
      case "malformed": {
        const message = "a length reaches past the body";
        return this.#refusals.fail(header, "malformed", message);
      }
    }
  }

  #read = (reader: Reader): void => {
    const { version, flags, opcode } = this.#header;
    readAsked(reader, version, flags, opcode, ASKED);
  };

  #startup(header: Header, plain: Request): Fate {
    const { stream, version } = header;
    const state = this.#state;
    if (state.phase !== "open") {
      const message = "there was a STARTUP before";
      return this.#refusals.fail(header, "startup", message);
    }
    const denied = this.#judge.settle([plain], false);
    if (denied) return this.#refusals.denied(header, denied);
    const { compression } = ASKED;
    state.startup = { stream, version, compression };
    state.phase = "starting";
    state.streams.send(stream, plain.fields, SETTLED);
    return "pass";
  }

  #text(header: Header, isPrepare: boolean): Fate {
    const { stream } = header;
    const { text, keyspace: own } = ASKED;
    const { streams } = this.#state;
    const judge = this.#judge;
    const known = recognized(text);
    const opcode = isPrepare ? "prepare" : "query";
    const isUnqualified = known.isUnqualified && own === undefined;
    const isCertain = !isUnqualified || judge.isKeyspaceCertain;
    const keyspace = own ?? judge.keyspace;
    const requests = isCertain
      ? known.requests(opcode, keyspace)
      : judge.inDoubt((keyspace) => known.requests(opcode, keyspace));
    const mayUse = known.mayUse && !isPrepare;
    const denied = judge.settle(requests, mayUse);
    if (denied) return this.#refusals.denied(header, denied);

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
    const { id } = ASKED;
    const prepared = this.#prepared(id);
    if (!prepared) return this.#refusals.unprepared(header, id);
    const { mayUse } = prepared.recognized;
    const requests = prepared.recognized.requests("execute", prepared.keyspace);
    const denied = this.#judge.settle(requests, mayUse);
    if (denied) return this.#refusals.denied(header, denied);
    const { fields, action, tables } = requests[0]!;
    const keyspace = action === "use" ? tables[0]! : "";
    this.#state.streams.send(
      header.stream,
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
      if (!prepared) return this.#refusals.unprepared(header, value);
      known.push(prepared);
    }
    const judge = this.#judge;
    const isCertain = texts.length === 0 || judge.isKeyspaceCertain;
    const requests = isCertain
      ? batchRequests(known, own ?? judge.keyspace)
      : judge.inDoubt((keyspace) => batchRequests(known, keyspace));
    const denied = judge.settle(requests, false);
    if (denied) return this.#refusals.denied(header, denied);
    const { fields } = requests[0]!;
    this.#state.streams.send(
      header.stream,
      fields,
      texts.length === 0 ? SETTLED : { ...SETTLED, texts },
    );
    return "pass";
  }

  #prepared(id: string): Prepared | undefined {
    const record = this.#connection.shared.get(id);
    return record === undefined ? undefined : readRecord(record);
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
