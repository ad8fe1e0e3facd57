/**
 * memcached, text protocol (doc/protocol.txt of memcached 1.6).
 *
 * ```
 * request  = *SP word *(1*SP word) *SP [CR] LF [data CRLF]
 * reply    = line / *("VALUE" line data CRLF) "END" CRLF / …
 * ```
 *
 * ```yaml
 * rules:
 *   l7proto: memcache
 *   l7:
 *   - command: get            # get and gets, of keys below alliance/
 *     keyPrefix: alliance/
 *   - command: writeGroup     # anything that changes exactly this key
 *     keyExact: fleet
 *   - command: version
 * ```
 *
 * The server takes the first byte of a connection to decide between its
 * protocols, and so does this parser. The binary protocol and the meta commands
 * are not read yet: they are refused, and the log says which it was.
 *
 * @module
 */
import {
  bytes,
  defineProtocol,
  error,
  line,
  printable,
  type Verdict,
} from "parley/proxylib";
import { replyFrame } from "./reply.ts";
import { readRequest, type Request } from "./request.ts";
import { lintRule, matches, ruleSchema } from "./rule.ts";

/** What a connection remembers. */
interface State {
  /** The first request was seen, so the protocol is settled. */
  started: boolean;
}

const BINARY_MAGIC = 0x80;
const META = /^ *m[gsdnae][ \r\n\0]/;
/** The server closes on a longer line of any but the get family (`try_read_command_ascii`). */
const LINE_MAX = 2048;
const LONG_LINE = /^ {0,100}(gets?|gats?) /;
const DENIED = bytes("CLIENT_ERROR access denied\r\n");
const SILENCE = new Uint8Array(0);

export default defineProtocol({
  description:
    "memcached: text protocol; rules command, keyExact, keyPrefix, keyRegex",
  rule: ruleSchema,
  lint: lintRule,
  matches,
  state: (): State => ({ started: false }),
  frame,
  request(head, state): Request {
    state.started = true;
    return readRequest(head);
  },
  body: ({ body }) => body,
  fields: ({ name, keys }) => ({
    command: name,
    keys: keys.map(printable),
    protocol: "text",
  }),
  refuse({ refusal, noreply }) {
    if (refusal === undefined) return undefined;
    return noreply ? SILENCE : bytes(`${refusal}\r\n`);
  },
  unknown: ({ command }) => command === undefined,
  deny: ({ name, noreply }) => noreply || name === "quit" ? undefined : DENIED,
  answered: ({ name, noreply }) => !noreply && name !== "quit",
  reply: replyFrame,
});

function frame(data: Uint8Array, seen: number, state: State): Verdict {
  if (!state.started && data[0] === BINARY_MAGIC) {
    return error("binary-protocol-not-supported");
  }
  const start = beginning(data);
  const found = line(
    data,
    seen,
    LONG_LINE.test(start) ? Infinity : LINE_MAX + 1,
  );
  if (found.op === "pass" && META.test(start)) {
    return error("meta-command-not-supported");
  }
  return found;
}

/** Enough of the line to see its command behind the spaces that the server allows. */
function beginning(data: Uint8Array): string {
  return String.fromCharCode(...data.subarray(0, 110));
}
