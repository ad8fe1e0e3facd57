/** What a session does with its connection, and what it writes of it to the access log. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { defineParser, drop, nop, z } from "parley/proxylib";
import {
  Bench,
  CLIENT,
  DENIED,
  l7,
  NOBODY,
  type Options,
  PLAIN,
  policy,
  RULE,
} from "./session_bench_test.ts";
import type { End } from "../transport/transport.ts";

const ADMISSIONS: readonly {
  readonly name: string;
  readonly options: Options;
  readonly admitted: boolean;
  readonly lines: readonly string[];
}[] = [
  {
    name: "without a policy everybody is admitted",
    options: {},
    admitted: true,
    lines: [],
  },
  {
    name: "a peer that a rule allows is admitted",
    options: { yaml: PLAIN },
    admitted: true,
    lines: [],
  },
  {
    name: "a peer that no rule allows is refused at open",
    options: { yaml: NOBODY },
    admitted: false,
    lines: ["connection denied no-rule -"],
  },
  {
    name: "a peer that a rule denies is refused at open, by that rule",
    options: { yaml: DENIED },
    admitted: false,
    lines: [`connection denied deny-rule ${RULE}.ingressDeny[0]`],
  },
  {
    name: "in audit mode a denied peer is admitted, and logged",
    options: { yaml: DENIED, mode: "audit" },
    admitted: true,
    lines: [`connection audit deny-rule ${RULE}.ingressDeny[0]`],
  },
  {
    name: "a protocol without a parser is refused",
    options: { l7proto: "klingon" },
    admitted: false,
    lines: ["connection denied unknown-parser -"],
  },
  {
    name:
      "in audit mode a protocol without a parser passes unread, and is logged",
    options: { l7proto: "klingon", mode: "audit" },
    admitted: true,
    lines: ["connection audit unknown-parser -"],
  },
];

for (const { name, options, admitted, lines } of ADMISSIONS) {
  Deno.test(name, () => {
    const it = new Bench(options);
    assertEquals(it.session.admit(), admitted);
    assertEquals(it.brief, lines);
  });
}

Deno.test("a line says who, where to, what protocol and which parser", () => {
  const it = new Bench({ yaml: l7("r2d2", "[ { cmd: READ } ]") });
  it.session.admit();
  it.feed(">READ a\r\n");
  const { time, ...line } = it.lines[0]!;
  assertMatch(String(time), /^2026-11-24T06:00:00\.\d{6}Z$/);
  assertEquals(line, {
    type: "request",
    verdict: "forwarded",
    direction: "ingress",
    connection: 17,
    source: {
      address: "10.0.0.7:40112",
      labels: ["k8s:io.kubernetes.pod.namespace=default", "k8s:role=pilot"],
    },
    destination: {
      address: "127.0.0.1:11211",
      labels: ["k8s:app=droid", "k8s:io.kubernetes.pod.namespace=default"],
    },
    port: 4040,
    l7proto: "r2d2",
    parser: "r2d2@abc123",
    rule: `${RULE}.ingress[0].toPorts[0].l7[0]`,
    fields: { cmd: "READ", file: "a" },
  });
});

Deno.test("at egress the upstream is the peer, and the workload the source", () => {
  const it = new Bench({
    direction: "egress",
    upstream: { transport: "tcp", hostname: CLIENT, port: 4040 },
    yaml: policy(`  egress:
  - toEndpoints: [ { matchLabels: { role: pilot } } ]
`),
  });
  assert(it.session.admit());
  it.session.closed("closed");
  const { source, destination } = it.lines[0] as Record<
    string,
    { labels: string[] }
  >;
  assert(source!.labels.includes("k8s:app=droid"));
  assert(destination!.labels.includes("k8s:role=pilot"));
});

Deno.test("without a parser every byte and both ends pass", () => {
  const it = new Bench();
  it.session.admit();
  it.feed(">\x00\xff any", "<thing", ">$", "<more", "<$");
  assertEquals(it.out, [
    ">\x00ÿ any".replace("ÿ", "\xc3\xbf"),
    "<thing",
    ">$",
    "<more",
    "<$",
  ]);
  assertEquals(it.session.paused(false), false);
  it.session.closed("closed");
  assertEquals(it.brief, ["connection forwarded - -"]);
  assertEquals(it.fields, {
    bytesForward: 7,
    bytesReply: 9,
    durationMs: 2,
    end: "closed",
  });
});

Deno.test("a denied request is answered, logged and not forwarded; the next one passes", () => {
  const it = new Bench({ yaml: l7("r2d2", "[ { cmd: READ } ]") });
  it.session.admit();
  it.feed(">HALT\r\nREAD a\r\n", "<ok\r\n", ">$", "<$");
  it.session.closed("closed");
  assertEquals(it.out, ["<ERROR\r\n", ">READ a\r\n", "<ok\r\n", ">$", "<$"]);
  assertEquals(it.brief, [
    "request denied no-rule -",
    `request forwarded - ${RULE}.ingress[0].toPorts[0].l7[0]`,
    "connection forwarded - -",
  ]);
  assertEquals(it.fields["bytesForward"], 8);
  assertEquals(it.fields["bytesReply"], 11);
});

for (const logResponses of [false, true]) {
  Deno.test(`replies are ${logResponses ? "" : "not "}logged when accessLog.responses is ${logResponses}`, () => {
    const it = new Bench({ l7proto: "r2d2", logResponses });
    it.session.admit();
    it.feed(">READ a\r\n", "<ok\r\n");
    const responses = it.lines.filter(({ type }) => type === "response");
    assertEquals(responses.length, logResponses ? 1 : 0);
  });
}

Deno.test("a reply is logged with the milliseconds since its request was read", () => {
  const it = new Bench({ l7proto: "r2d2", logResponses: true });
  it.session.admit();
  it.feed(">READ a\r\nREAD b\r\n", ">READ c\r\n", "<a\r\n", "<b\r\nc\r\n");
  const responses = it.lines.filter(({ type }) => type === "response");
  // The clock of the bench goes on by 2 ms a read.
  assertEquals(responses.map(({ latency }) => latency), [4, 6, 4]);
});

Deno.test("in audit mode every request passes, and those that no rule covers are logged as audit", () => {
  const it = new Bench({
    yaml: l7("r2d2", "[ { cmd: READ } ]"),
    mode: "audit",
  });
  it.session.admit();
  it.feed(">HALT\r\nREAD a\r\n");
  assertEquals(it.out, [">HALT\r\nREAD a\r\n"]);
  assertEquals(
    it.brief[0],
    "request audit no-rule default/droid#spec.ingress[0].toPorts[0]",
  );
  assertMatch(it.brief[1]!, /^request forwarded/);
});

const ENDS: readonly [end: End, verdict: string, reason: string][] = [
  ["closed", "forwarded", "-"],
  ["idle-timeout", "forwarded", "-"],
  ["drained", "forwarded", "-"],
  ["client-reset", "error", "client-reset"],
  ["upstream-reset", "error", "upstream-reset"],
  ["upstream-unreachable", "error", "upstream-unreachable"],
  ["connect-timeout", "error", "connect-timeout"],
];

for (const [end, verdict, reason] of ENDS) {
  Deno.test(`the end ${end} is logged as ${verdict}`, () => {
    const it = new Bench();
    it.session.admit();
    it.session.closed(end, "the system's words");
    assertEquals(it.brief, [`connection ${verdict} ${reason} -`]);
    assertEquals(it.fields["end"], end);
    assertEquals(it.fields["status"], "the system's words");
    assertEquals(it.ended, [it.session]);
  });
}

Deno.test("a panic closes the connection, and the log has its words and its stack", () => {
  const it = new Bench({ l7proto: "moody" });
  it.session.admit();
  it.feed(">fine", ">p", ">never seen");
  assertEquals(it.out, [">fine", "close refused"]);
  assertEquals(it.brief, ["connection error panic -"]);
  assertMatch(String(it.fields["status"]), /^Panic: no such mood/);
  assertMatch(String(it.fields["stack"]), /session_test\.ts:\d+/);
  it.session.closed("refused");
  assertEquals(it.brief[1], "connection error panic -");
  assertEquals(it.fields["end"], "refused");
  assertEquals(it.fields["bytesForward"], 4);
});

Deno.test("a parser that cannot be created ends the connection at its first byte; the panic has its words and its stack", () => {
  const it = new Bench({ l7proto: "stillborn" });
  it.session.admit();
  it.feed(">READ a\r\n");
  assertEquals(it.brief, ["connection error panic -"]);
  assertEquals(it.out, ["close refused"]);
  assertMatch(String(it.fields["status"]), /^Panic: no state/);
  assertMatch(String(it.fields["stack"]), /session_test\.ts:\d+/);
});

Deno.test("a parser's error closes the connection with its code", () => {
  const it = new Bench({ l7proto: "moody" });
  it.session.admit();
  it.feed(">e");
  it.session.closed("refused");
  assertEquals(it.brief, [
    "connection error bad-mood -",
    "connection error bad-mood -",
  ]);
});

Deno.test("the end of a stream inside a frame is logged, and those bytes stay", () => {
  const it = new Bench({ l7proto: "r2d2" });
  it.session.admit();
  it.feed(">READ a\r\nREA$");
  assertEquals(it.out, [">READ a\r\n", ">$"]);
  assertEquals(it.brief[1], "connection error partial-frame -");
  assertMatch(String(it.fields["status"]), /client ended .* 3 bytes/);
});

Deno.test("a refused session says so once, whatever comes after", () => {
  const it = new Bench({ l7proto: "moody", yaml: PLAIN });
  it.session.admit();
  it.feed(">p", ">e", "<e");
  it.policy(DENIED);
  assertEquals(it.out, ["close refused"]);
  assertEquals(it.brief, ["connection error panic -"]);
});

Deno.test("reject() logs a reason of the sidecar's own", () => {
  const it = new Bench();
  it.session.reject("limit", "limits.connections (1) are open");
  assertEquals(it.brief, ["connection denied limit -"]);
  assertEquals(it.fields, { status: "limits.connections (1) are open" });
});

Deno.test("a parser that injects into what its peer does not take fails at the limit", () => {
  const greedy = defineParser({
    description: "test",
    rule: z.record(z.string(), z.string()),
    matches: () => true,
    create: (connection) => ({
      onData(_reply, _end, data) {
        if (data.length === 0) return nop();
        connection.inject(true, new Uint8Array(96));
        return drop(data.length);
      },
    }),
  });
  const it = new Bench({ l7proto: "greedy", definitions: { greedy } });
  it.session.admit();
  it.unsent = 4000; // of 4096
  it.feed(">a");
  assertEquals(it.brief, []);
  it.unsent = 4001;
  it.feed(">b");
  assertEquals(it.brief, ["connection error limit -"]);
  assertMatch(
    String(it.fields["status"]),
    /injects into the reply direction though 4097 bytes wait .* limit is 4096/,
  );
});

for (
  const [lines, served, panics] of [
    [[">hello"], false, 0],
    [[">hello", ">p"], false, 1],
    [[">hello", "<p"], false, 1],
    [[">hello", "<hello"], true, 0],
    [[">hello", "<hello", ">p"], true, 0],
  ] as const
) {
  Deno.test(`of ${lines} ${panics} panics are told, and it has ${served ? "" : "not "}served`, () => {
    const it = new Bench({ l7proto: "moody" });
    it.session.admit();
    it.feed(...lines);
    assertEquals([it.usage.served, it.panics], [served, panics]);
  });
}

Deno.test("an error that a parser means is no panic, and what it injects shows nothing", () => {
  const it = new Bench({
    l7proto: "r2d2",
    yaml: l7("r2d2", "[{ cmd: HALT }]"),
  });
  it.session.admit();
  it.feed(">READ a\r\n");
  assertEquals(it.out.length > 0, true, "it was denied");
  assertEquals([it.usage.served, it.panics], [false, 0]);
});

Deno.test("a session that is shed says why, once, and takes nothing more", () => {
  const it = new Bench({ l7proto: "moody" });
  it.session.admit();
  it.feed(">hello");
  it.session.shed("memory is short");
  it.session.shed("memory is short");
  it.feed(">more", "<more");
  assertEquals(it.out, [">hello", "close refused"]);
  assertEquals(it.brief, ["connection error memory -"]);
  assertEquals(it.fields, { status: "memory is short" });
});
