import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { testParser } from "parley/testkit";
import header from "./header.ts";

const CASES = [
  { rule: { prefix: "ab" }, passes: ["ab", "abc"] },
  { rule: { contains: "ab" }, passes: ["ab", "abc", "cab"] },
  { rule: { suffix: "ab" }, passes: ["ab", "cab"] },
  { rule: { prefix: "ab", suffix: "ab" }, passes: ["ab"] },
  { rule: { prefix: "" }, passes: ["ab", "abc", "cab", "x"] },
];

testParser(
  "header",
  header,
  CASES.map(({ rule, passes }) => ({
    name: `rule ${JSON.stringify(rule)} covers ${passes.join(", ")} alone`,
    rules: [rule],
    steps: [{ data: "ab\nabc\ncab\nx\n" }],
    total: {
      forward: passes.map((text) => `${text}\n`).join(""),
      reply: "DENIED\n".repeat(4 - passes.length),
    },
  })),
);

Deno.test("header rule refuses a key it does not know", () => {
  assertEquals(header.rule.safeParse({ infix: "a" }).success, false);
});
