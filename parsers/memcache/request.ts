/**
 * A request, whichever of memcached's protocols it came in.
 *
 * @module
 */
import type { Refusal } from "parley/proxylib";

/** How the server answers a request: decides where the reply ends. */
export type ReplyShape =
  /** One line, or one line and a data block (`VA`). */
  | "line"
  /** `VALUE` lines with data blocks, then `END`. */
  | "values"
  /** `STAT`, `ITEM`, `PREFIX` lines, then another one. */
  | "stats"
  /** Lines of `lru_crawler metadump` and `mgdump`, then `END`. */
  | "dump"
  /** One line, or lines without end. */
  | "watch"
  /** The line `MN`. */
  | "mn"
  /** A binary packet. */
  | "packet"
  /** Binary packets until one without a key. */
  | "packets";

/** One request. Texts have one character a byte. */
export interface Request {
  readonly protocol: "text" | "meta" | "binary";
  /** The name in the log: the text protocol's, for binary requests too; `unknown` if the server has no such command. */
  readonly name: string;
  /** What a rule must name to cover it; absent: only the rule `{}` does. */
  readonly ask?: string;
  /** What rules must cover besides, as a meta command may do several things. */
  readonly also: readonly string[];
  readonly keys: readonly string[];
  /** Whether the command takes keys at all. */
  readonly keyed: boolean;
  /** Bytes behind the head: a data block with its CRLF, a binary value. */
  readonly body: number;
  readonly answered: "always" | "perhaps" | "never";
  readonly shape: ReplyShape;
  /** Other servers, or other versions, may read this request differently: only the rule `{}` covers it. */
  readonly ambiguous: boolean;
  /** The server's own error, when it is known to refuse the request. */
  readonly refusal?: Refusal;
  /** Meta: the argument of the `O` flag, by which the client knows the reply. */
  readonly token: string;
  /** Binary: the opcode and opaque that the reply carries. */
  readonly opcode: number;
  readonly opaque: number;
}

/** What is common to most requests. */
export const REQUEST: Request = {
  protocol: "text",
  name: "unknown",
  also: [],
  keys: [],
  keyed: false,
  body: 0,
  answered: "always",
  shape: "line",
  ambiguous: false,
  token: "",
  opcode: 0,
  opaque: 0,
};

/** memcached takes keys of at most this many bytes. */
export const KEY_MAX = 250;
/** `INT_MAX - 2`: the longest data block that the server takes a length for. */
export const BODY_MAX = 2147483645;
