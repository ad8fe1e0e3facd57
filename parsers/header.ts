/**
 * header: a test protocol of lines, for rules with several keys and for
 * denials that wait for nobody.
 *
 * ```text
 * request = *(any byte but LF) LF
 * denial  = "DENIED" LF      ; at once: replies belong to no request
 * ```
 *
 * ```yaml
 * - { prefix: "GET ", suffix: ".txt" }   # each key present must hold
 * - contains: droid
 * ```
 *
 * @module
 */
import {
  bytes,
  defineProtocol,
  latin1,
  line,
  printable,
  z,
} from "parley/proxylib";

interface Request {
  /** The line without its LF, a character a byte. */
  readonly line: string;
}

const MAX_LINE = 4096;

/** A rule's text as the bytes it stands for, one character each. */
const text = z.string().transform((value) => latin1(bytes(value))).default("");

export default defineProtocol({
  description: "test protocol: lines, with prefix, contains and suffix rules",
  rule: z.strictObject({ prefix: text, contains: text, suffix: text }),
  // Any text starts with, contains and ends with the empty one.
  matches: ({ prefix, contains, suffix }, { line }: Request) =>
    line.startsWith(prefix) && line.includes(contains) &&
    line.endsWith(suffix),
  frame: (data, seen) => line(data, seen, MAX_LINE),
  request: (head): Request => ({ line: latin1(head, 0, head.length - 1) }),
  fields: ({ line }) => ({ line: printable(line) }),
  deny: () => bytes("DENIED\n"),
});
