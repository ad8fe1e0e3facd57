import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Scanner } from "./scanner.ts";
import { describe, T } from "./tokens.ts";

/** The tokens of a text with what they are called, or where and why it is none. */
function tokens(text: string): string[] {
  const scanner = new Scanner(text);
  const found: string[] = [];
  for (scanner.scan(); scanner.kind > T.FAILED; scanner.scan()) {
    const written = text.slice(scanner.start, scanner.end);
    found.push(`${describe(scanner.kind)}: ${written}`);
  }
  if (scanner.kind === T.FAILED) {
    found.push(`${scanner.mistake} at ${scanner.start}`);
  }
  return found;
}

/** Cassandra 5.0.9's lexer says the same of each. */
const CASES: readonly { text: string; want: readonly string[] }[] = [
  { text: "", want: [] },
  { text: " \t\r\n", want: [] },
  { text: "SeLeCt selectx", want: ["SELECT: SeLeCt", "a name: selectx"] },
  {
    text: "table COLUMNFAMILY",
    want: ["COLUMNFAMILY: table", "COLUMNFAMILY: COLUMNFAMILY"],
  },
  {
    text: "a_1 select_masked",
    want: ["a name: a_1", "SELECT_MASKED: select_masked"],
  },
  { text: "_a", want: ["a character without meaning at 0"] },
  { text: "é", want: ["a character without meaning at 0"] },
  { text: "a\u00a0b", want: ["a name: a", "a character without meaning at 1"] },
  { text: "\f", want: ["a character without meaning at 0"] },
  { text: "a\0", want: ["a name: a", "a character without meaning at 1"] },
  { text: '"a""b" ""', want: ['a name in "": "a""b"', '"": ""'] },
  { text: '""""', want: ['a name in "": """"'] },
  { text: '"a', want: ["a quoted name without its end at 0"] },
  { text: "'it''s' ''", want: ["a string: 'it''s'", "a string: ''"] },
  { text: "'a", want: ["a string without its end at 0"] },
  { text: "'a''", want: ["a string without its end at 0"] },
  { text: "'\uffff\ud800'", want: ["a string: '\uffff\ud800'"] },
  { text: "$$it's$$", want: ["a string: $$it's$$"] },
  { text: "$$$a$$", want: ["a string: $$$a$$"] },
  { text: "$$$$", want: ["a string: $$$$"] },
  {
    text: "$$a$$$",
    want: ["a string: $$a$$", "a string without its end at 5"],
  },
  { text: "$a$", want: ["a string without its end at 0"] },
  { text: "a--b\nc", want: ["a name: a", "a name: c"] },
  { text: "a//b\rc", want: ["a name: a", "a name: c"] },
  { text: "a -- b", want: ["a name: a", "a comment without its end at 2"] },
  { text: "a/**/b", want: ["a name: a", "a name: b"] },
  { text: "/* /* */a", want: ["a name: a"] },
  { text: "/*/a", want: ["a comment without its end at 0"] },
  { text: "/*/ */a", want: ["a name: a"] },
  {
    text: "1 -1 1-1",
    want: [
      "an integer: 1",
      "an integer: -1",
      "an integer: 1",
      "an integer: -1",
    ],
  },
  { text: "- 1", want: ["-: -", "an integer: 1"] },
  {
    text: "1.5 1. -1e5 1.E+2",
    want: ["a float: 1.5", "a float: 1.", "a float: -1e5", "a float: 1.E+2"],
  },
  { text: "1e", want: ["a number that is none at 0"] },
  { text: "1..2", want: ["an integer: 1", "..: ..", "an integer: 2"] },
  { text: "1...2", want: ["a float: 1.", "..: ..", "an integer: 2"] },
  { text: "12abc", want: ["a number that is none at 0"] },
  { text: "12345678b", want: ["an integer: 12345678", "a name: b"] },
  {
    text: "0x 0XcaFE 0xg",
    want: ["a blob: 0x", "a blob: 0XcaFE", "a blob: 0x", "a name: g"],
  },
  {
    text: "abcdef01-1234-1234-1234-123456789ABC",
    want: ["a UUID: abcdef01-1234-1234-1234-123456789ABC"],
  },
  { text: "12345678-1", want: ["a number that is none at 0"] },
  { text: "deadbeef-1", want: ["a UUID that is none at 0"] },
  { text: "deadbeef - 1", want: ["a name: deadbeef", "-: -", "an integer: 1"] },
  {
    text: "1y2mo3w4d5h6m7s8ms9us10µs11ns -1h",
    want: ["a duration: 1y2mo3w4d5h6m7s8ms9us10µs11ns", "a duration: -1h"],
  },
  {
    text: "12hx 12n",
    want: ["a duration: 12h", "a name: x", "a number that is none at 5"],
  },
  { text: "12h3", want: ["a number that is none at 0"] },
  { text: "12db", want: ["a number that is none at 0"] },
  {
    text: "P1Y P1Y2M3D PT5S P1DT1H P2W -P1D",
    want: ["P1Y", "P1Y2M3D", "PT5S", "P1DT1H", "P2W", "-P1D"].map((it) =>
      `a duration: ${it}`
    ),
  },
  { text: "P0001-02-03T04:05:06", want: ["a duration: P0001-02-03T04:05:06"] },
  { text: "P1234-1", want: ["a duration that is none at 0"] },
  {
    text: "p1y P P1 P1Y2 PT P1YT",
    want: ["p1y", "P", "P1", "P1Y2", "PT", "P1YT"].map((it) => `a name: ${it}`),
  },
  {
    text: "NaN -nan Infinity -INFINITY",
    want: ["NaN", "-nan", "Infinity", "-INFINITY"].map((it) =>
      `a float: ${it}`
    ),
  },
  { text: "-now()", want: ["a number that is none at 0"] },
  { text: "-x", want: ["-: -", "a name: x"] },
  { text: "TRUE falsex", want: ["a boolean: TRUE", "a name: falsex"] },
  { text: "expr(", want: ["expr(: expr("] },
  { text: "expr (", want: ["a name: expr", "(: ("] },
  { text: "EXPR(", want: ["a name: EXPR", "(: ("] },
  { text: "xexpr(", want: ["a name: xexpr", "(: ("] },
  {
    text: "?:.,;()[]{}+-*/%",
    want: [..."?:.,;()[]{}+-*/%"].map((it) => `${it}: ${it}`),
  },
  {
    text: "= != < <= > >= += -= ..",
    want: ["=", "!=", "<", "<=", ">", ">=", "+=", "-=", ".."].map((it) =>
      `${it}: ${it}`
    ),
  },
  { text: "!", want: ["a character without meaning at 0"] },
];

for (const { text, want } of CASES) {
  Deno.test(`Scanner reads ${JSON.stringify(text)}`, () => {
    assertEquals(tokens(text), want);
  });
}
