/**
 * What tests of conversations share: rules, statements, and the parser's own answers.
 *
 * @module
 */
import { errorReply, string } from "./testkit.ts";

/** Tables of the keyspace `public` may be read and written. */
export const PUBLIC = [
  { query_action: "select", query_table: "^public\\." },
  { query_action: "insert", query_table: "^public\\." },
];
export const READ = "SELECT * FROM public.t";
export const SECRET = "SELECT * FROM secret.t";
export const ID = "\x01\x02\xff\x00id";
export const UNPREPARED = "this statement is not known here: prepare it again";

export function unprepared(id: string, options = {}) {
  return errorReply(0x2500, UNPREPARED, { ...options, rest: string(id) });
}

export function protocolError(message: string, options = {}) {
  return errorReply(0x000a, message, options);
}
