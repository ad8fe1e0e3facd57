/**
 * Errors in the protocol's own words (native_protocol_v5.spec, section 9).
 *
 * @module
 */
import { bytes, fromLatin1, printable } from "parley/proxylib";
import { responseFrame } from "./header.ts";
import type { Request } from "./request.ts";
import { ERROR, UNAUTHORIZED, UNPREPARED } from "./wire.ts";

/** Longest message, in characters: names may be of any length. */
const MESSAGE_MAX = 300;

/** A frame that answers `stream` with an error. */
export function errorFrame(
  version: number,
  stream: number,
  code: number,
  message: string,
  rest: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const text = bytes(message.slice(0, MESSAGE_MAX));
  const body = new Uint8Array(6 + text.length + rest.length);
  const view = new DataView(body.buffer);
  view.setUint32(0, code);
  view.setUint16(4, text.length);
  body.set(text, 6);
  body.set(rest, 6 + text.length);
  return responseFrame(version, stream, ERROR, body);
}

/** Says what was denied. Drivers raise it as Unauthorized, and keep the node. */
export function denial(
  version: number,
  stream: number,
  { action, tables, fields }: Request,
): Uint8Array {
  const what = action || String(fields["opcode"]);
  const where = tables.length === 0
    ? ""
    : ` on ${tables.map(printable).join(", ")}`;
  const message = `access denied by policy: ${what}${where}`;
  return errorFrame(version, stream, UNAUTHORIZED, message);
}

/** Asks the driver to prepare again what it knows under `id`. */
export function unprepared(
  version: number,
  stream: number,
  id: string,
): Uint8Array {
  const rest = new Uint8Array(2 + id.length);
  new DataView(rest.buffer).setUint16(0, id.length);
  rest.set(fromLatin1(id), 2);
  const message = "this statement is not known here: prepare it again";
  return errorFrame(version, stream, UNPREPARED, message, rest);
}
