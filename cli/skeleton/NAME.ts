/**
 * NAME: say here what the protocol is, and give its grammar.
 *
 * ```
 * request = verb SP object CRLF
 * reply   = line CRLF
 * ```
 *
 * ```yaml
 * rules:
 *   l7proto: NAME
 *   l7:
 *   - verb: READ          # READ of any object
 *   - object: ^public/    # any verb on objects that begin so (RE2, not anchored)
 * ```
 *
 * @module
 */
import {
  bytes,
  defineProtocol,
  fromPrintable,
  latin1,
  line,
  printable,
  regexKey,
  z,
} from "parley/proxylib";

interface Request {
  readonly verb: string;
  readonly object: string;
}

/** Longest line that is taken. Bound everything that a peer may send. */
const LINE_MAX = 4096;

export default defineProtocol({
  description: "NAME: one line that says what it reads",

  // What a policy may write under `l7`: unknown keys and bad values are load errors.
  rule: z.strictObject({
    verb: z.enum(["READ", "WRITE"]).optional(),
    object: regexKey("NAME.regex").optional(),
  }),

  // Whether a rule covers a request. A request that is not understood must match none.
  matches: ({ verb, object }, request: Request) =>
    request.verb !== "" &&
    (verb === undefined || verb === request.verb) &&
    (object === undefined || object.test(request.object)),

  // How long the next request is, or how many more bytes are needed to tell.
  frame: (data, seen) => line(data, seen, LINE_MAX),

  // What it asks. Anything but the exact grammar is a request that no rule covers:
  // what the server might read differently must not be guessed at.
  request(head): Request {
    const found = /^(READ|WRITE) ([\x21-\x7e]+)\r\n$/.exec(latin1(head));
    return found
      ? { verb: found[1]!, object: found[2]! }
      : { verb: "", object: "" };
  },

  // What the access log says of it. Never a value.
  fields: ({ verb, object }) => ({ verb, object: printable(object) }),

  // The same request again, of what the log says of it: for `parley trace`.
  fromFields: ({ verb = [], object = [] }) => ({
    verb: verb[0] ?? "",
    object: fromPrintable(object[0] ?? ""),
  }),

  // How a denial is worded. It is sent in its turn.
  deny: () => bytes("ERROR access denied\r\n"),

  // Where a reply ends: one line. Without this, denials do not wait for earlier replies.
  reply: (data, seen) => line(data, seen, LINE_MAX),
});
