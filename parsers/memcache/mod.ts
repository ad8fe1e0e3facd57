/**
 * memcached 1.6: the classic text protocol, the meta commands and the binary
 * protocol (doc/protocol.txt, doc/protocol-binary.txt). UDP is not proxied.
 *
 * ```
 * text     = *SP word *(1*SP word) *SP [CR] LF [data CRLF]
 * binary   = header(24) extras key value
 * ```
 *
 * ```yaml
 * rules:
 *   l7proto: memcache
 *   l7:
 *   - command: get            # get, gets, mg and their binary forms, of keys below alliance/
 *     keyPrefix: alliance/
 *   - command: writeGroup     # anything that changes exactly this key
 *     keyExact: fleet
 *   - command: version
 * ```
 *
 * The server takes the first byte of a connection to decide between text and
 * binary, and so does this parser.
 *
 * @module
 */
import {
  type Barrier,
  bytes,
  defineProtocol,
  fromLatin1,
  line,
  part,
  pass,
  type Verdict,
} from "parley/proxylib";
import {
  BARRIER,
  isBinary,
  packetDenial,
  packetHead,
  packetReply,
  readPacket,
} from "./binary.ts";
import { logFields, requestOf } from "./log_fields.ts";
import { REQUEST, type Request } from "./request.ts";
import { index, lintRule, matches, ruleSchema } from "./rule.ts";
import { textReply } from "./text_reply.ts";
import { readLine } from "./text_request.ts";

/** What a connection remembers. */
interface State {
  /** Settled by the first request. */
  protocol: "unsettled" | "text" | "binary";
}

/**
 * The server closes on a longer line whose end is not at hand, unless it is a
 * `get` or `gets` (`try_read_command_ascii`); a `gat` in one piece it serves.
 */
const LINE_MAX = 2048;
const LONG_LINE = /^ {0,100}(gets?|gats?) /;
/**
 * The longest line with many keys, well above what clients ask for at once: all
 * its keys are judged and logged in one go, while no other connection moves.
 */
const LONG_LINE_MAX = 256 * 1024;

const LF = 0x0a;
const DENIED = bytes("CLIENT_ERROR access denied\r\n");

const TEXT_BARRIER: Barrier<Request> = {
  bytes: bytes("mn\r\n"),
  request: { ...REQUEST, protocol: "meta", name: "mn", shape: "mn" },
};

export default defineProtocol({
  description:
    "memcached: text, meta and binary; rules command, keyExact, keyPrefix, keyRegex",
  rule: ruleSchema,
  lint: lintRule,
  matches,
  index,
  state: (): State => ({ protocol: "unsettled" }),
  frame: (data, seen, state) =>
    speaksBinary(data, state) ? packetHead(data) : lineHead(data, seen),
  request(head, state): Request {
    state.protocol = speaksBinary(head, state) ? "binary" : "text";
    return state.protocol === "binary" ? readPacket(head) : readLine(head);
  },
  body: ({ body }) => body,
  parts: (request) =>
    request.also.length === 0
      ? undefined
      : [request, ...request.also.map((ask) => ({ ...request, ask }))],
  fields: logFields,
  fromFields: requestOf,
  refuse: ({ refusal }) => refusal,
  unknown: ({ ask }) => ask === undefined,
  deny,
  answered: ({ answered }) => answered,
  hangsUp: ({ ask }) => ask === "quit",
  barrier: ({ protocol }) => protocol === "binary" ? BARRIER : TEXT_BARRIER,
  // Binary replies name their opcode; of text replies only `MN` is unmistakable.
  blurs: ({ protocol, shape }) => protocol !== "binary" && shape !== "mn",
  reply(data, seen, request, { protocol }) {
    switch (protocol) {
      case "text":
        return textReply(data, seen, request);
      case "binary":
        return packetReply(data, request);
      case "unsettled":
        return greeting(data);
    }
  },
});

/**
 * A server that speaks first, as one with too many connections does: none of it
 * is held, since it is not settled yet how it is to be framed.
 */
function greeting(data: Uint8Array): Verdict {
  const end = data.indexOf(LF) + 1;
  return end > 0 ? pass(end) : part(data.length);
}

function deny(request: Request): Uint8Array | undefined {
  if (request.answered === "never") return undefined;
  if (request.protocol === "binary") return packetDenial(request);
  return request.token === ""
    ? DENIED
    : fromLatin1(`CLIENT_ERROR access denied O${request.token}\r\n`);
}

function speaksBinary(data: Uint8Array, { protocol }: State): boolean {
  return protocol === "binary" ||
    (protocol === "unsettled" && isBinary(data[0]!));
}

function lineHead(data: Uint8Array, seen: number): Verdict {
  const frame = line(data, seen, LONG_LINE_MAX);
  const bytes = frame.op === "pass" ? frame.bytes : data.length;
  if (bytes <= LINE_MAX || LONG_LINE.test(beginning(data))) return frame;
  return line(data, seen, LINE_MAX + 1);
}

/** Enough of a line to see its command behind the spaces that the server allows. */
function beginning(data: Uint8Array): string {
  return String.fromCharCode(...data.subarray(0, 110));
}
