import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { type Case, testParser } from "parley/testkit";
import r2d2 from "./r2d2.ts";

const PIPELINED = 50;

testParser("r2d2", r2d2, [
  {
    name: "denies unknown commands unless the rule is for everything",
    rules: [{ cmd: "" }, { file: ".*" }, { cmd: "READ" }],
    steps: [{ data: "read x\r\nFETCH x\r\n\r\n READ x\r\n" }],
    total: { forward: "", reply: "ERROR\r\n".repeat(4), closed: false },
    expect: [{ log: [{ verdict: "denied", reason: "unknown-request" }] }],
  },
  {
    name: "passes what it does not know under the rule for everything",
    rules: [{}],
    steps: [{ data: "FETCH x y\r\nREAD\r\n\r\n" }],
    total: { forward: "FETCH x y\r\nREAD\r\n\r\n", reply: "", closed: false },
  },
  {
    name: "searches the file expression, unanchored",
    rules: [{ file: "/public/.*" }],
    steps: [{ data: "READ /x/public/y\r\nWRITE /publicity\r\n" }],
    total: { forward: "READ /x/public/y\r\n" },
  },
  {
    name: "compares file expressions with the bytes of the line",
    rules: [{ file: "^é$" }],
    steps: [{ data: "READ é\r\nREAD e\r\n" }],
    total: { forward: "READ é\r\n" },
  },
  {
    name: "takes HALT and RESET as having the empty file",
    rules: [{ file: ".*" }],
    steps: [{ data: "HALT\r\nRESET\r\nREAD\r\n" }],
    total: { forward: "HALT\r\nRESET\r\n" },
  },
  {
    name: "denies HALT under a file expression that wants a character",
    rules: [{ file: "s.*" }],
    steps: [{ data: "HALT\r\n" }],
    total: { forward: "", reply: "ERROR\r\n" },
  },
  {
    name: "logs a line with several fields without a file",
    rules: [{}],
    steps: [{ data: "WRITE a b\r\n" }],
    expect: [{
      log: [{
        verdict: "forwarded",
        rule: "test#l7[0]",
        fields: { cmd: "WRITE", file: "" },
      }],
    }],
  },
  {
    name: "answers many pipelined denials once each and in order",
    rules: [{ cmd: "READ" }],
    steps: [
      { data: "READ a\r\nHALT\r\n".repeat(PIPELINED) },
      { reply: true, data: "A\r\n".repeat(PIPELINED) },
    ],
    expect: [
      { out: "READ a\r\n".repeat(PIPELINED), back: "" },
      { out: "A\r\nERROR\r\n".repeat(PIPELINED), back: "" },
    ],
  },
  {
    name: "does not put a denial into the middle of a reply",
    rules: [{ cmd: "READ" }],
    steps: [
      { data: "READ a\r\n" },
      { reply: true, data: "first half " },
      { data: "HALT\r\n" },
      { reply: true, data: "second half\r\n" },
    ],
    total: { reply: "first half second half\r\nERROR\r\n" },
  },
  {
    name: "does not put a denial into the middle of a reply nobody asked for",
    rules: null,
    steps: [
      { reply: true, data: "I am " },
      { data: "HALT\r\n" },
      { reply: true, data: "R2\r\n" },
    ],
    total: { reply: "I am R2\r\nERROR\r\n" },
  },
  {
    name: "lets a reply longer than any request through unheld",
    steps: [
      { data: "READ a\r\n" },
      { reply: true, data: "x".repeat(5000) },
    ],
    expect: [{}, { out: "x".repeat(5000) }],
  },
]);

testParser(
  "r2d2",
  r2d2,
  [
    ["a line of the greatest length passes", "x".repeat(4089), false],
    ["a longer one closes", "x".repeat(4090), true],
  ].map(([name, file, closed]) => {
    const data = `READ ${file}\r\n`;
    return {
      name: String(name),
      steps: [{ data }],
      total: { forward: closed ? "" : data, closed },
    } as Case;
  }),
);

// Each of these reads as other commands to some server, and none may see it.
const TWO_MEANINGS = [
  "READ a\nHALT\r\n",
  "READ a\rHALT\r\n",
  "READ a\n\rHALT\r\n",
  "READ a\r\r\n",
  "\nHALT\r\n",
  "\rHALT\r\n",
  "READ a\n",
  "\n",
];

testParser(
  "r2d2",
  r2d2,
  TWO_MEANINGS.map((data) => ({
    name: `forwards nothing of ${JSON.stringify(data)} and closes`,
    steps: [{ data }, { data: "RESET\r\n" }],
    total: { forward: "", reply: "", closed: true },
    expect: [{ log: [{ type: "connection", reason: "line-end" }] }],
  })),
);

// The rules of the four roles in the header comment's samples.
const ROLES = [
  { rule: { cmd: "READ" }, passes: ["READ /a", "READ /public/a"] },
  {
    rule: { cmd: "READ", file: "^/public/.*" },
    passes: ["READ /public/a"],
  },
  {
    rule: { file: "^/public/.*" },
    passes: ["READ /public/a", "WRITE /public/a"],
  },
  { rule: { cmd: "HALT" }, passes: ["HALT"] },
];
const REQUESTS = [
  "READ /a",
  "READ /public/a",
  "WRITE /public/a",
  "WRITE /a",
  "HALT",
  "RESET",
  "READ",
  "read /public/a",
];

testParser(
  "r2d2",
  r2d2,
  ROLES.map(({ rule, passes }) => ({
    name: `rule ${JSON.stringify(rule)} covers ${passes.join(", ")} alone`,
    rules: [rule],
    steps: [{ data: REQUESTS.map((request) => `${request}\r\n`).join("") }],
    total: { forward: passes.map((request) => `${request}\r\n`).join("") },
  })),
);

Deno.test("r2d2 rule accepts keys and empty values as documented", () => {
  const rules = [
    { cmd: "RESET" },
    { cmd: "" },
    { file: "" },
    { cmd: "WRITE", file: "x" },
    { cmd: "", file: "x" },
    { cmd: "HALT", file: "" },
  ];
  for (const rule of rules) {
    assertEquals(r2d2.rule.safeParse(rule).success, true, JSON.stringify(rule));
  }
});

const BAD_RULES = [
  { rule: { cmd: "read" }, code: "r2d2.cmd", path: ["cmd"] },
  { rule: { cmd: "READ " }, code: "r2d2.cmd", path: ["cmd"] },
  { rule: { cmd: "HALT", file: "x" }, code: "r2d2.file", path: ["file"] },
  { rule: { file: "(?=x)" }, code: "r2d2.regex", path: ["file"] },
  { rule: { file: "(" }, code: "r2d2.regex", path: ["file"] },
  { rule: { files: "x" }, code: "unrecognized_keys", path: [] },
  { rule: { cmd: 7 }, code: "invalid_type", path: ["cmd"] },
];

for (const { rule, code, path } of BAD_RULES) {
  Deno.test(`r2d2 rule refuses ${JSON.stringify(rule)} as ${code}`, () => {
    const issue = r2d2.rule.safeParse(rule).error?.issues[0];
    const params = issue?.code === "custom" ? issue.params : undefined;
    assertEquals([params?.code ?? issue?.code, issue?.path], [code, path]);
    if (params) assertEquals(typeof params.mend, "string");
  });
}
