import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { bytes } from "parley/proxylib";
import { packetHead, readPacket } from "./binary.ts";
import type { Request } from "./request.ts";
import { lintRule, matches, ruleSchema } from "./rule.ts";
import { packet } from "./testkit.ts";
import { readLine } from "./text_request.ts";

type Raw = Readonly<Record<string, string>>;

function read(line: string): Request {
  return readLine(bytes(`${line}\r\n`));
}

function readBytes(whole: Uint8Array): Request {
  return readPacket(whole.subarray(0, packetHead(whole).bytes));
}

function covers(raw: Raw, request: Request): boolean {
  return matches(ruleSchema.parse(raw), request);
}

/** The lines that rules tell apart, one for each thing that a rule can name. */
const LINES = [
  "get k",
  "gets k",
  "mg k",
  "gat 0 k",
  "set k 0 0 1",
  "ms k 1",
  "add k 0 0 1",
  "replace k 0 0 1",
  "append k 0 0 1",
  "prepend k 0 0 1",
  "cas k 0 0 1 1",
  "incr k 1",
  "decr k 1",
  "delete k",
  "touch k 0",
  "stats",
  "mn",
  "verbosity 1",
  "flush_all",
  "me k",
  "shutdown",
  "nope k",
];

const NAMES: [command: string, covered: string[]][] = [
  ["get", ["get k", "gets k", "mg k"]],
  ["gat", ["gat 0 k"]],
  ["set", ["set k 0 0 1", "ms k 1"]],
  ["append", ["append k 0 0 1"]],
  ["cas", ["cas k 0 0 1 1"]],
  ["noop", ["mn"]],
  ["stats", ["stats"]],
  ["verbosity", ["verbosity 1"]],
  ["flush_all", ["flush_all"]],
  ["rget", []],
  ["storage", LINES.slice(4, 13)],
  ["writeGroup", LINES.slice(4, 15)],
  ["", LINES],
];

for (const [command, covered] of NAMES) {
  Deno.test(`rule command ${JSON.stringify(command)} covers ${covered.join(", ") || "nothing"}`, () => {
    const found = LINES.filter((line) => covers({ command }, read(line)));
    assertEquals(found, covered);
  });
}

Deno.test("rule {} covers everything, also what no name stands for", () => {
  assertEquals(LINES.filter((line) => covers({}, read(line))), LINES);
});

const OPCODES: [command: string, opcodes: number[]][] = [
  ["get", [0x00, 0x09, 0x0c, 0x0d]],
  ["gat", [0x1d, 0x1e, 0x23, 0x24]],
  ["touch", [0x1c]],
  ["storage", [
    1,
    2,
    3,
    5,
    6,
    0x0e,
    0x0f,
    0x11,
    0x12,
    0x13,
    0x15,
    0x16,
    0x19,
    0x1a,
  ]],
  ["writeGroup", [
    ...[1, 2, 3, 4, 5, 6, 0x0e, 0x0f, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16],
    ...[0x19, 0x1a, 0x1c],
  ]],
  ["delete", [0x04, 0x14]],
  ["flush_all", [0x08, 0x18]],
  ["quit", [0x07, 0x17]],
  ["version", [0x0b]],
  ["noop", [0x0a]],
  ["stats", [0x10]],
  ["sasl-list-mechs", [0x20]],
  ["sasl-auth", [0x21]],
  ["sasl-step", [0x22]],
  ["verbosity", []],
  ["rget", []],
];

for (const [command, opcodes] of OPCODES) {
  Deno.test(`rule command ${command} covers the opcodes ${opcodes.map((code) => code.toString(16)).join(" ") || "of none"}`, () => {
    const found = Array.from({ length: 256 }, (_, code) => code)
      .filter((code) =>
        covers({ command }, readBytes(packet(code, { key: "k" })))
      );
    assertEquals(found, opcodes);
  });
}

const KEYS: [rule: Raw, line: string, want: boolean][] = [
  [{ keyExact: "a" }, "get a", true],
  [{ keyExact: "a" }, "get ab", false],
  [{ keyExact: "a" }, "get A", false],
  [{ keyExact: "é" }, "get é", true],
  [{ keyExact: "é" }, "get e", false],
  [{ keyPrefix: "a/" }, "get a/b", true],
  [{ keyPrefix: "a/" }, "get b/a/", false],
  [{ keyPrefix: "é" }, "get éa", true],
  [{ keyRegex: "b" }, "get abc", true],
  [{ keyRegex: "^b" }, "get abc", false],
  [{ keyRegex: "^.$" }, "get é", true],
  [{ keyRegex: "" }, "get abc", true],
  [{ keyExact: "", keyPrefix: "" }, "get abc", true],
  // Every test that is present is made.
  [{ keyExact: "ab", keyPrefix: "a" }, "get ab", true],
  [{ keyExact: "ab", keyPrefix: "b" }, "get ab", false],
  [{ keyExact: "ab", keyRegex: "c" }, "get ab", false],
  [{ keyPrefix: "a", keyRegex: "c$" }, "get abc", true],
  [{ keyPrefix: "a", keyRegex: "c$" }, "get abd", false],
  [{ keyPrefix: "b", keyRegex: "c$" }, "get abc", false],
  // Of every key.
  [{ keyPrefix: "a" }, "get a1 a2", true],
  [{ keyPrefix: "a" }, "get a1 b a2", false],
  [{ keyPrefix: "a" }, "get a1 a2 b", false],
  // A command that takes keys, and has none, is covered by no key test.
  [{ command: "gat", keyRegex: "" }, "gat 0", false],
  [{ command: "gat" }, "gat 0", true],
  // A command that takes no keys is not asked for one.
  [{ command: "stats", keyExact: "a" }, "stats items", true],
  [{ command: "flush_all", keyPrefix: "a" }, "flush_all", true],
  // What is decoded is judged.
  [{ keyExact: "foo" }, "mg Zm9v b", true],
  [{ keyExact: "Zm9v" }, "mg Zm9v b", false],
  [{ keyExact: "Zm9v" }, "mg Zm9v", true],
  [{ keyPrefix: "a" }, "get a\tb", true],
  [{ keyExact: "a" }, "get a\tb", false],
];

for (const [rule, line, want] of KEYS) {
  Deno.test(`rule ${JSON.stringify(rule)} ${want ? "covers" : "does not cover"} ${JSON.stringify(line)}`, () => {
    assertEquals(covers({ command: "get", ...rule }, read(line)), want);
  });
}

Deno.test("rule makes key tests of binary requests", () => {
  const rule = { command: "get", keyExact: "a" };
  const requests = ["a", "b", ""].map((key) => readBytes(packet(0, { key })));
  assertEquals(requests.map((request) => covers(rule, request)), [
    true,
    false,
    false,
  ]);
  const stats = readBytes(packet(0x10, { key: "items" }));
  assertEquals(covers({ command: "stats", keyExact: "a" }, stats), true);
});

const AMBIGUOUS: [what: string, command: string, request: Request][] = [
  ["a NUL in the line", "get", read("get a\0")],
  ["an odd length", "set", read("set a 0 0 +1")],
  ["an odd length of ms", "set", read("ms a +1")],
  ["a key that decoders read differently", "get", read("mg Zm9v! b")],
  [
    "bytes that are the server's next request",
    "touch",
    readBytes(packet(0x1c, { extras: 4, key: "a", value: "x" })),
  ],
  ["the same behind stat", "stats", readBytes(packet(0x10, { value: "x" }))],
];

for (const [what, command, request] of AMBIGUOUS) {
  Deno.test(`rule {} alone covers a request with ${what}`, () => {
    assertEquals(request.ask, command);
    assertEquals(covers({ command }, request), false);
    assertEquals(covers({ command: "" }, request), true);
    assertEquals(covers({}, request), true);
  });
}

const BAD: [rule: Record<string, unknown>, code: string, key: string][] = [
  [{ command: "gett" }, "memcache.command", "command"],
  [{ command: "Get" }, "memcache.command", "command"],
  [{ command: "gets" }, "memcache.command", "command"],
  [{ command: "mg" }, "memcache.command", "command"],
  [{ command: "shutdown" }, "memcache.command", "command"],
  [{ command: "toString" }, "memcache.command", "command"],
  [{ keyExact: "a" }, "memcache.no-command", "command"],
  [{ keyPrefix: "a" }, "memcache.no-command", "command"],
  [{ keyRegex: "a" }, "memcache.no-command", "command"],
  [{ command: "", keyExact: "a" }, "memcache.no-command", "command"],
  [{ command: "get", keyRegex: "(" }, "memcache.regex", "keyRegex"],
  [{ command: "get", keyRegex: "(?=a)" }, "memcache.regex", "keyRegex"],
  [{ command: "get", keyRegex: "(a)\\1" }, "memcache.regex", "keyRegex"],
  [{ command: "get", key: "a" }, "unrecognized_keys", ""],
  [{ command: 7 }, "invalid_type", "command"],
  [{ command: "get", keyExact: null }, "invalid_type", "keyExact"],
];

for (const [rule, code, key] of BAD) {
  Deno.test(`rule ${JSON.stringify(rule)} is refused as ${code}`, () => {
    const issues = ruleSchema.safeParse(rule).error?.issues ?? [];
    const issue = issues[0];
    const params = issue?.code === "custom" ? issue.params : undefined;
    assertEquals(issues.length, 1);
    assertEquals([params?.code ?? issue?.code, issue?.path.join()], [
      code,
      key,
    ]);
    if (params) assertEquals(typeof params.mend, "string");
  });
}

Deno.test("rule offers its commands where one is unknown", () => {
  const issue = ruleSchema.safeParse({ command: "gett" }).error!.issues[0]!;
  const { options, mend } =
    (issue as { params: Record<string, unknown> }).params;
  assertEquals(Array.isArray(options) && options.includes("writeGroup"), true);
  assertEquals(String(mend).includes("writeGroup"), true);
});

Deno.test("lintRule warns of a command that is present and empty", () => {
  assertEquals(
    lintRule({ command: "" }).map(({ code, path }) => [code, path]),
    [
      ["memcache.command", ["command"]],
    ],
  );
  assertEquals([lintRule({}), lintRule({ command: "get" })], [[], []]);
});
