/**
 * What a request asks, read from its body (native_protocol_v5.spec, section 4.1;
 * the server reads in messages/*.java and QueryOptions.java).
 *
 * @module
 */
import type { Reader } from "./reader.ts";
import {
  BATCH,
  CUSTOM_PAYLOAD,
  EXECUTE,
  PREPARE,
  QUERY,
  SEGMENTED,
  STARTUP,
} from "./wire.ts";

/** One statement of a batch: its text, or the id that it was prepared under. */
export interface BatchPart {
  readonly isId: boolean;
  readonly value: string;
}

/** What a request asks. One object is used again for all. */
export interface Asked {
  /** QUERY and PREPARE: the statement. */
  text: string;
  /** EXECUTE: the id, as a `latin1` text. */
  id: string;
  /** The keyspace that the request itself names, for its texts. */
  keyspace: string | undefined;
  parts: BatchPart[];
  /** STARTUP: the compression, in lower case; `ambiguous` if it is named twice. */
  compression: string;
}

/** What nothing was read into yet. */
export function nothingAsked(): Asked {
  return { text: "", id: "", keyspace: undefined, parts: [], compression: "" };
}

/** Flags of the parameters of a query (section 4.1.4). */
const VALUES = 0x01;
const PAGE_SIZE = 0x04;
const PAGING_STATE = 0x08;
const SERIAL_CONSISTENCY = 0x10;
const TIMESTAMP = 0x20;
const NAMES = 0x40;
const KEYSPACE = 0x80;

/** Reads a body as far as it must be known. What is not read there is the server's to check. */
export function readAsked(
  reader: Reader,
  version: number,
  flags: number,
  opcode: number,
  asked: Asked,
): void {
  asked.keyspace = undefined;
  if (flags & CUSTOM_PAYLOAD) {
    if (version < 4) return reader.lie();
    reader.skipBytesMap();
  }
  switch (opcode) {
    case QUERY:
      asked.text = reader.longString();
      asked.keyspace = parametersKeyspace(reader, version);
      break;
    case PREPARE:
      asked.text = reader.longString();
      if (version >= SEGMENTED && reader.int() & 0x01) {
        asked.keyspace = reader.string();
      }
      break;
    case EXECUTE:
      asked.id = reader.shortBytes();
      break;
    case BATCH:
      readBatch(reader, version, asked);
      break;
    case STARTUP:
      asked.compression = readCompression(reader);
  }
}

/**
 * The keyspace among a query's parameters. It is told of in version 5 only, but
 * the server takes it in every version.
 */
function parametersKeyspace(
  reader: Reader,
  version: number,
): string | undefined {
  reader.short(); // consistency
  const flags = version >= SEGMENTED ? reader.int() : reader.byte();
  if (!(flags & KEYSPACE)) return undefined;
  if (flags & VALUES) {
    for (let n = reader.short(); n > 0 && reader.isGood; n--) {
      if (flags & NAMES) reader.skipString();
      reader.skipValue(version);
    }
  }
  if (flags & PAGE_SIZE) reader.int();
  if (flags & PAGING_STATE) reader.skipBytes();
  if (flags & SERIAL_CONSISTENCY) reader.short();
  if (flags & TIMESTAMP) reader.skip(8);
  return reader.string();
}

const LAST_BATCH_TYPE = 2;

function readBatch(reader: Reader, version: number, asked: Asked): void {
  asked.parts = [];
  if (reader.byte() > LAST_BATCH_TYPE) reader.lie();
  for (let n = reader.short(); n > 0 && reader.isGood; n--) {
    const kind = reader.byte();
    if (kind > 1) reader.lie();
    const isId = kind === 1;
    const value = isId ? reader.shortBytes() : reader.longString();
    for (let m = reader.short(); m > 0 && reader.isGood; m--) {
      reader.skipValue(version);
    }
    asked.parts.push({ isId, value });
  }
  asked.keyspace = parametersKeyspace(reader, version);
}

/** The server takes the names of options in any case (StartupMessage.java). */
function readCompression(reader: Reader): string {
  let compression: string | undefined;
  for (let n = reader.short(); n > 0 && reader.isGood; n--) {
    const name = reader.string();
    const value = reader.string();
    if (name.toUpperCase() !== "COMPRESSION") continue;
    if (compression !== undefined) reader.lie(); // which of them counts?
    compression = value.toLowerCase();
  }
  return compression ?? "";
}
