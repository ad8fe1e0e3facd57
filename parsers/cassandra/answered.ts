/**
 * What replies say that matters here (native_protocol_v5.spec, section 4.2).
 *
 * @module
 */
import type { Reader } from "./reader.ts";
import {
  CUSTOM_PAYLOAD,
  ERROR,
  PREPARED,
  RESULT,
  SET_KEYSPACE,
  TRACING,
  WARNING,
} from "./wire.ts";

/** What a reply says. One object is used again for all. */
export interface Answered {
  /** RESULT: its kind. */
  kind: number;
  /** ERROR: its code. */
  code: number;
  /** The keyspace of the session from now on. */
  keyspace: string;
  /** The id that a statement is prepared under, as a `latin1` text. */
  id: string;
}

/** What nothing was read into yet. */
export function nothingAnswered(): Answered {
  return { kind: 0, code: 0, keyspace: "", id: "" };
}

/** Reads the front of a reply's body. */
export function readAnswered(
  reader: Reader,
  flags: number,
  opcode: number,
  answered: Answered,
): void {
  answered.kind = 0;
  answered.code = 0;
  if (flags & TRACING) reader.skip(16);
  if (flags & WARNING) reader.skipStringList();
  if (flags & CUSTOM_PAYLOAD) reader.skipBytesMap();
  if (opcode === ERROR) answered.code = reader.int();
  if (opcode !== RESULT) return;
  answered.kind = reader.int();
  if (answered.kind === SET_KEYSPACE) answered.keyspace = reader.string();
  if (answered.kind === PREPARED) answered.id = reader.shortBytes();
}
