/**
 * All that a parser author imports.
 *
 * ```ts
 * import { defineProtocol, line, z } from "parley/proxylib";
 * ```
 *
 * @module
 */
export { z } from "zod";
export { BoundedMap } from "./bounded_map.ts";
export { crc32 } from "./checksum.ts";
export {
  lz4Block,
  snappyElements,
  type SnappyPreamble,
  snappyPreamble,
} from "./compression.ts";
export type {
  Connection,
  Decision,
  Endpoint,
  Fields,
  Shared,
} from "./connection.ts";
export { type Fault, ParleyError } from "./error.ts";
export {
  fixed,
  FRAME_LENGTH,
  type LengthField,
  lengthPrefixed,
  line,
  unsigned,
} from "./framing.ts";
export {
  defineParser,
  type FieldTexts,
  type Filing,
  type Parser,
  type ParserDefinition,
  type RuleIndex,
  type RuleIssue,
} from "./parser.ts";
export {
  type Barrier,
  defineProtocol,
  type ProtocolSpec,
  type Refusal,
  type Remembered,
} from "./protocol.ts";
export { type Regex, regex, regexKey } from "./regex.ts";
export {
  bytes,
  find,
  fromLatin1,
  fromPrintable,
  isAscii,
  latin1,
  printable,
} from "./text.ts";
export {
  drop,
  error,
  errorInTurn,
  more,
  nop,
  type Op,
  part,
  pass,
  type Verdict,
} from "./verdict.ts";
