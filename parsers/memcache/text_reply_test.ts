import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { bytes, error, more } from "parley/proxylib";
import { type ReplyShape, REQUEST, type Request } from "./request.ts";
import { textReply } from "./text_reply.ts";

type Shape = ReplyShape | "unasked";

/** What is decided of a reply, as `+n` for a part, `=n` for the end of it; `...` waits, `other` is not its reply. */
function framed(shape: Shape, text: string): string {
  const request: Request | undefined = shape === "unasked"
    ? undefined
    : { ...REQUEST, shape };
  const data = bytes(text);
  const found: string[] = [];
  for (let at = 0; at < data.length;) {
    const verdict = textReply(data.subarray(at), 0, request);
    if (verdict?.op !== "pass") {
      found.push(verdict?.op === "more" ? "..." : "other");
      break;
    }
    found.push(`${verdict.last ? "=" : "+"}${verdict.bytes}`);
    if (verdict.last) break;
    at += verdict.bytes;
  }
  return found.join(" ");
}

const BLOCK = "VALUE k 0 3\r\nabc\r\n";
const TRAP = "VALUE k 0 9\r\na\r\nEND\r\nb\r\n";

const REPLIES: [
  behaviour: string,
  shape: Shape,
  reply: string,
  want: string,
][] = [
  ["ends with its line", "line", "STORED\r\nSTORED\r\n", "=8"],
  ["waits for its line's end", "line", "STORED\r", "..."],
  ["ends with a bare LF", "line", "OK\nOK\n", "=3"],
  ["is a number", "line", "42\r\n", "=4"],
  ["is an error", "line", "SERVER_ERROR out of memory\r\n", "=28"],

  ["has a value", "line", "VA 3 f0\r\nabc\r\nHD\r\n", "=14"],
  ["has a value without flags", "line", "VA 3\r\nabc\r\n", "=11"],
  ["has an empty value", "line", "VA 0\r\n\r\nHD\r\n", "=8"],
  ["has a value that is yet to come", "line", "VA 3\r\n", "=11"],
  ["has a value with line ends", "line", "VA 9\r\na\r\nEND\r\nb\r\n", "=17"],
  ["has a value of 10 digits", "line", "VA 2147483645\r\n", "=2147483662"],
  ["only looks like a value", "line", "VA\r\n", "=4"],
  ["has a malformed length", "line", "VA 3x\r\n", "=7"],
  ["has a negative length", "line", "VA -3\r\n", "=7"],
  ["has a length of 11 digits", "line", "VA 10000000000\r\n", "=16"],
  ["is the metadata of an item", "line", "ME VA 3\r\nEN\r\n", "=9"],

  ["is a miss", "values", "END\r\nEND\r\n", "=5"],
  ["is a hit", "values", `${BLOCK}END\r\n${BLOCK}`, "=23"],
  ["has several values", "values", `${BLOCK}${BLOCK}END\r\n`, "=41"],
  ["has an empty value", "values", "VALUE k 0 0\r\n\r\nEND\r\n", "=20"],
  ["has a cas", "values", "VALUE k 0 3 99\r\nabc\r\nEND\r\n", "=26"],
  ["has a value with END in it", "values", `${TRAP}END\r\n`, "=29"],
  ["has a value yet to come", "values", "VALUE k 0 3\r\n", "+18"],
  ["has a value that is cut", "values", "VALUE k 0 3\r\nab", "+18"],
  ["has a line that is cut", "values", `${BLOCK}EN`, "+18 ..."],
  ["has a key with a tab", "values", "VALUE a\tb 0 3\r\nabc\r\nEND\r\n", "=25"],
  [
    "has a key that is VALUE",
    "values",
    "VALUE VALUE 0 3\r\nabc\r\nEND\r\n",
    "=27",
  ],
  ["is an error", "values", "CLIENT_ERROR no\r\nEND\r\n", "=17"],
  ["fails half-way", "values", `${BLOCK}SERVER_ERROR x\r\n`, "=34"],
  ["lacks a length", "values", "VALUE k 0\r\nEND\r\n", "=11"],
  ["lacks all words", "values", "VALUE \r\nEND\r\n", "=8"],
  ["has a malformed length", "values", "VALUE k 0 3x\r\nEND\r\n", "=14"],
  ["has a negative length", "values", "VALUE k 0 -3\r\nEND\r\n", "=14"],
  ["has EN for an end", "values", "EN\r\nEND\r\n", "=4"],

  [
    "is statistics",
    "stats",
    "STAT pid 1\r\nSTAT x END\r\nEND\r\nOK\r\n",
    "=29",
  ],
  ["is none", "stats", "END\r\n", "=5"],
  ["is RESET", "stats", "RESET\r\nEND\r\n", "=7"],
  ["is items", "stats", "ITEM k [1 b; 0 s]\r\nEND\r\n", "=24"],
  ["is prefixes", "stats", "PREFIX k get 1\r\nEND\r\n", "=21"],
  ["is OK", "stats", "OK\r\nEND\r\n", "=4"],
  ["comes bit by bit", "stats", "STAT pid 1\r\nSTA", "+12 ..."],

  [
    "is a dump",
    "dump",
    "key=a exp=-1\r\nkey=END cas=1\r\nEND\r\nOK\r\n",
    "=34",
  ],
  ["is a dump for mg", "dump", "mg YQ== b\r\nEN\r\nOK\r\n", "=15"],
  ["is no dump", "dump", "BUSY currently processing\r\nEND\r\n", "=27"],
  ["is a dump under way", "dump", "key=a exp=-1\r\n", "+14"],

  ["never ends", "watch", "OK\r\nts=1 gid=1\r\nEND\r\n", "+21"],
  [
    "is that there are too many",
    "watch",
    "WATCHER_TOO_MANY x\r\nOK\r\n",
    "=20",
  ],
  ["is that it may not", "watch", "ERROR cannot pipeline\r\nOK\r\n", "=23"],
  ["is that it is off", "watch", "CLIENT_ERROR no\r\nOK\r\n", "=17"],

  ["is MN", "mn", "MN\r\nMN\r\n", "=4"],
  ["is not MN", "mn", "HD\r\n", "other"],
  ["is a value before MN", "mn", "VA 2\r\nMN\r\n", "other"],
  ["only starts like MN", "mn", "MNX\r\n", "other"],
  ["waits", "mn", "MN\r", "..."],

  ["is a line", "unasked", "HD O1\r\nMN\r\n", "=7"],
  ["is a value", "unasked", "VA 4\r\nMN\r\n\r\nMN\r\n", "=12"],
];

for (const [behaviour, shape, reply, want] of REPLIES) {
  Deno.test(`textReply ${shape}: a reply that ${behaviour}: ${JSON.stringify(reply)}`, () => {
    assertEquals(framed(shape, reply), want);
  });
}

Deno.test("textReply does not search bytes twice, and limits a line", () => {
  const request = { ...REQUEST };
  const data = bytes("OK\r\nOK\r\n");
  assertEquals(textReply(data, 4, request)!.bytes, 8);
  const long = new Uint8Array(1024 * 1024).fill(0x61);
  assertEquals(textReply(long.subarray(1), 0, request), more(1));
  assertEquals(textReply(long, 0, request), error("frame-length"));
});
