import { testParser } from "parley/testkit";
import memcache from "./mod.ts";
import { joined } from "./testkit.ts";

const NO = "CLIENT_ERROR access denied\r\n";
const GETS = [{ command: "get" }];

testParser("memcache text", memcache, [
  {
    name: "answers pipelined denials once each and in their turn",
    rules: GETS,
    steps: [
      {
        data: "get a\r\ndelete a\r\nget b\r\nincr a 1\r\ndecr a 1\r\nget c\r\n",
      },
      { reply: true, data: "END\r\n" },
      { reply: true, data: "VALUE b 0 1\r\nB\r\nEND\r\nEND\r\n" },
    ],
    expect: [
      { out: "get a\r\nget b\r\nget c\r\n", back: "" },
      { out: `END\r\n${NO}` },
      { out: `VALUE b 0 1\r\nB\r\nEND\r\n${NO}${NO}END\r\n` },
    ],
  },
  {
    name: "denies at once when nothing is outstanding",
    rules: GETS,
    steps: [{ data: "version\r\nset a 0 0 1\r\nx\r\nget a\r\n" }],
    expect: [{ out: "get a\r\n", back: NO + NO }],
  },
  {
    name: "closes on a line of more keys than anybody asks for at once",
    rules: GETS,
    steps: [{ data: `get ${"a ".repeat(140_000)}\r\nget b\r\n` }],
    total: { forward: "", reply: "", closed: true },
  },
  {
    name: "puts no denial into the middle of a reply of several values",
    rules: GETS,
    steps: [
      { data: "get a b\r\ndelete a\r\n" },
      { reply: true, data: "VALUE a 0 2\r\nxx\r\n" },
      { reply: true, data: "VALUE b 0 2\r\nyy\r\nEND\r\n" },
    ],
    expect: [{ back: "" }, { out: "VALUE a 0 2\r\nxx\r\n" }, {
      out: `VALUE b 0 2\r\nyy\r\nEND\r\n${NO}`,
    }],
  },
  {
    name: "gives a denied noreply request no answer, and drops its data",
    rules: GETS,
    steps: [
      { data: "set a 0 0 1 noreply\r\nx\r\ndelete a noreply\r\nget a\r\n" },
      { reply: true, data: "END\r\n" },
    ],
    total: { forward: "get a\r\n", reply: "END\r\n", closed: false },
  },
  {
    name: "expects no reply to an allowed noreply request",
    rules: [{ command: "set" }],
    steps: [{ data: "set a 0 0 1 noreply\r\nx\r\nget a\r\n" }],
    total: { forward: "set a 0 0 1 noreply\r\nx\r\n", reply: NO },
  },
  {
    name: "gives a denied quit no answer",
    rules: GETS,
    steps: [{ data: "quit\r\nget a\r\n" }],
    total: { forward: "get a\r\n", reply: "", closed: false },
    expect: [{ log: [{ verdict: "denied", fields: { command: "quit" } }] }],
  },
  {
    name: "lets a set through from its line alone, and its data unheld",
    rules: [{ command: "set", keyExact: "a" }],
    steps: [
      { data: "set a 0 0 5000\r\n" },
      { data: "x".repeat(2000) },
      { data: `${"y".repeat(3000)}\r\n` },
      { data: "get a\r\n" },
      { reply: true, data: "STORED\r\n" },
    ],
    expect: [
      { out: "set a 0 0 5000\r\n", log: [{ verdict: "forwarded" }] },
      { out: "x".repeat(2000) },
      { out: `${"y".repeat(3000)}\r\n` },
      { out: "", back: "" },
      { out: `STORED\r\n${NO}` },
    ],
  },
  {
    name: "drops a denied set from its line alone, and its data unheld",
    rules: GETS,
    steps: [
      { data: "set a 0 0 5000\r\n" },
      { data: "x".repeat(2000) },
      { data: `${"y".repeat(3000)}\r\nget a\r\n` },
    ],
    expect: [
      { out: "", back: NO, log: [{ verdict: "denied" }] },
      { out: "", back: "" },
      { out: "get a\r\n", back: "" },
    ],
  },
  {
    name: "gives the server's errors in their turn, whatever the policy says",
    rules: null,
    steps: [{ data: "set a x 0 1\r\nget\r\ndelete a 1\r\nmg a z\r\n" }],
    total: {
      forward: "",
      reply: "CLIENT_ERROR bad command line format\r\nERROR\r\n" +
        "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n" +
        "CLIENT_ERROR invalid flag\r\n",
      closed: false,
    },
    expect: [{ log: Array(4).fill({ verdict: "error", reason: "malformed" }) }],
  },
  {
    name: "puts the server's errors behind replies that are outstanding",
    steps: [
      { data: "get a\r\nget\r\nget b\r\n" },
      { reply: true, data: "END\r\nEND\r\n" },
    ],
    expect: [{ out: "get a\r\nget b\r\n", back: "" }, {
      out: "END\r\nERROR\r\nEND\r\n",
    }],
  },
  {
    name: "takes a get of any length, also behind spaces",
    rules: GETS,
    steps: [
      { data: `get${" key".repeat(1000)}\r\n` },
      { data: `${" ".repeat(100)}gets${" key".repeat(1000)}\r\n` },
    ],
    expect: [{ out: `get${" key".repeat(1000)}\r\n` }, {
      out: `${" ".repeat(100)}gets${" key".repeat(1000)}\r\n`,
    }],
  },
  {
    name: "takes another line of 2048 bytes before its LF",
    steps: [{ data: `stats ${"x".repeat(2041)}\r\n` }],
    total: { forward: `stats ${"x".repeat(2041)}\r\n`, closed: false },
  },
  {
    name: "closes on a longer one, once what came before is answered",
    steps: [
      { data: "get a\r\n" },
      { data: `stats ${"x".repeat(2042)}\r\nget b\r\n` },
      { reply: true, data: "END\r\n" },
      { reply: true, data: "END\r\n" },
    ],
    expect: [{}, { out: "" }, { out: "END\r\n" }],
    total: { forward: "get a\r\n", reply: "END\r\n", closed: true },
  },
  {
    name: "closes on a long line whose end is not in sight",
    steps: [{ data: "x".repeat(2049) }],
    total: { forward: "", reply: "", closed: true },
    expect: [{ log: [{ type: "connection", reason: "frame-length" }] }],
  },
  {
    name: "closes on a long get behind more spaces than the server takes",
    steps: [{ data: `${" ".repeat(101)}get${" key".repeat(600)}\r\n` }],
    total: { forward: "", closed: true },
  },
  {
    name: "lets a watcher's lines through without end",
    rules: [{ command: "watch" }],
    steps: [
      { data: "watch fetchers\r\nget a\r\n" },
      { reply: true, data: "OK\r\nts=1 gid=1 type=item_get\r\n" },
      { reply: true, data: "ts=2 gid=2 type=END\r\n" },
    ],
    expect: [{ out: "watch fetchers\r\n", back: "" }, {}, {
      out: "ts=2 gid=2 type=END\r\n",
    }],
  },
  {
    name: "passes a reply that no request asked for",
    steps: [
      { reply: true, data: "SERVER_ERROR busy\r\n" },
      { data: "get a\r\n" },
      { reply: true, data: "END\r\nEND\r\n" },
    ],
    total: { reply: "SERVER_ERROR busy\r\nEND\r\nEND\r\n", closed: false },
  },
  {
    name: "puts no denial into the middle of what a server says first",
    rules: null,
    steps: [
      { reply: true, data: "ERROR Too many\nopen" },
      { data: "get a\r\n" },
      { reply: true, data: " connections\r\n" },
    ],
    expect: [{ out: "ERROR Too many\nopen" }, { back: "" }, {
      out: ` connections\r\n${NO}`,
    }],
  },
  {
    name: "escapes odd bytes of keys in the log",
    steps: [{ data: joined("get a", Uint8Array.of(0xff), " é\t\r\n") }],
    expect: [{
      log: [{
        fields: { command: "get", keys: ["a\\xFF", "é\t"], protocol: "text" },
      }],
    }],
  },
  {
    name: "says of a command without a rule name that it is unknown",
    rules: GETS,
    steps: [{ data: "shutdown\r\nget a\0\r\n" }],
    expect: [{
      log: [
        { reason: "unknown-request", fields: { command: "shutdown" } },
        { reason: "no-rule", fields: { command: "get", keys: ["a"] } },
      ],
    }],
  },
]);

testParser("memcache meta", memcache, [
  {
    name:
      "sends a barrier behind quiet requests, so that a denial comes in its turn",
    rules: GETS,
    steps: [
      { data: "mg a v q\r\nmg b v q\r\nmd a\r\n" },
      { reply: true, data: "VA 4\r\nMN\r\n\r\n" },
      { reply: true, data: "MN\r\n" },
      { data: "mg c\r\n" },
      { reply: true, data: "HD\r\n" },
    ],
    expect: [
      { out: "mg a v q\r\nmg b v q\r\nmn\r\n", back: "" },
      { out: "VA 4\r\nMN\r\n\r\n" },
      { out: NO },
      { out: "mg c\r\n" },
      { out: "HD\r\n" },
    ],
  },
  {
    name: "sends one barrier for many denials",
    rules: GETS,
    steps: [
      { data: "mg a q\r\nmd a q\r\nmd b q\r\n" },
      { reply: true, data: "MN\r\n" },
    ],
    total: { forward: "mg a q\r\nmn\r\n", reply: NO + NO },
  },
  {
    name: "sends a barrier before a request whose reply could be a quiet one's",
    rules: GETS,
    steps: [
      { data: "mg a q\r\nget b\r\nmd a\r\n" },
      { reply: true, data: "HD\r\nMN\r\nEND\r\n" },
    ],
    total: {
      forward: "mg a q\r\nmn\r\nget b\r\n",
      reply: `HD\r\nEND\r\n${NO}`,
    },
  },
  {
    name: "sends none where the client's own mn ends a run",
    rules: [{ command: "get" }, { command: "noop" }],
    steps: [
      { data: "mg a q\r\nmg b q\r\nmn\r\nmd a\r\n" },
      { reply: true, data: "HD\r\nMN\r\n" },
    ],
    total: {
      forward: "mg a q\r\nmg b q\r\nmn\r\n",
      reply: `HD\r\nMN\r\n${NO}`,
    },
  },
  {
    name: "gives the request's token in a denial",
    rules: GETS,
    steps: [{ data: "md a O123 q\r\nms a 2 Ox\r\nhi\r\nmd a O\r\n" }],
    total: {
      forward: "",
      reply: "CLIENT_ERROR access denied O123\r\n" +
        `CLIENT_ERROR access denied Ox\r\n${NO}`,
    },
  },
  {
    name:
      "allows what does several things if each is allowed, by whichever rules",
    rules: [{ command: "get" }, { command: "touch", keyPrefix: "t" }],
    steps: [{ data: "mg t T0\r\nmg a T0\r\nmg a\r\nmg t N0\r\n" }],
    total: { forward: "mg t T0\r\nmg a\r\n" },
  },
  {
    name: "judges and logs the decoded key",
    rules: [{ command: "get", keyExact: "foo" }],
    steps: [{ data: "mg Zm9v b\r\nmg Zm9v\r\nmg YmFy b\r\n" }],
    total: { forward: "mg Zm9v b\r\n" },
    expect: [{
      log: [
        { fields: { command: "mg", keys: ["foo"], protocol: "meta" } },
        { verdict: "denied", fields: { keys: ["Zm9v"] } },
        { verdict: "denied", fields: { keys: ["bar"] } },
      ],
    }],
  },
  {
    name:
      "drops the data block of ms that the server would skip behind an error",
    rules: GETS,
    steps: [{ data: "ms a 8 z\r\nmd victi\r\nmg a\r\n" }],
    total: { forward: "mg a\r\n", reply: "CLIENT_ERROR invalid flag\r\n" },
  },
  {
    name: "allows me under the empty rule alone",
    rules: [{ command: "get" }, { command: "stats" }],
    steps: [{ data: "me a\r\n" }],
    total: { forward: "", reply: NO },
    expect: [{ log: [{ reason: "unknown-request" }] }],
  },
]);
