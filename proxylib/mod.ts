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
export type { Connection, Decision, Endpoint, Fields } from "./connection.ts";
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
  type Parser,
  type ParserDefinition,
  type RuleIssue,
} from "./parser.ts";
export {
  type Barrier,
  defineProtocol,
  type ProtocolSpec,
  type Refusal,
} from "./protocol.ts";
export { type Regex, regex, regexKey } from "./regex.ts";
export {
  bytes,
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
