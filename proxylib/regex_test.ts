import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws,
} from "node:assert/strict";
import { regex, regexKey } from "./regex.ts";
import { bytes, latin1 } from "./text.ts";

const TESTS: [source: string, text: string, want: boolean][] = [
  ["b", "abc", true], // searched, not anchored
  ["^b", "abc", false],
  ["^abc$", "abc\n", false],
  ["", "", true],
  ["(?i)ABC", "abc", true],
  ["[[:digit:]]\\z", "a1", true],
  ["^.$", "é", true], // characters, not bytes
  ["^.$", "🤖", true], // nor halves of a UTF-16 pair
  ["\\pL", "é", true],
  ["\\x{e9}", "é", true],
  ["a.b", "a\nb", false],
];

for (const [source, text, want] of TESTS) {
  Deno.test(`regex /${source}/ ${want ? "finds" : "does not find"} itself in ${JSON.stringify(text)}`, () => {
    assertEquals(regex(source).test(latin1(bytes(text))), want);
  });
}

Deno.test("regex takes bytes that are not UTF-8 without a panic", () => {
  assertEquals(regex("^a").test("a\xff\xfe"), true);
  assertEquals(regex("é").test("\xe9"), false);
});

for (
  const source of [
    "(?=a)",
    "(?!a)",
    "(?<=a)b",
    "(a)\\1",
    "(",
    "*",
    "a{2,1}",
    "\\",
  ]
) {
  Deno.test(`regex refuses ${source}, which RE2 does not know`, () => {
    throws(
      () => regex(source),
      (error: Error) =>
        error instanceof SyntaxError &&
        error.message.startsWith("not an RE2 expression: "),
    );
  });
}

Deno.test("regex takes linear time on a pattern that makes others explode", () => {
  const text = "a".repeat(5000) + "!";
  const start = performance.now();
  assertEquals(regex("^(a+)+$").test(text), false);
  assert(performance.now() - start < 60_000); // others never come to an end
});

Deno.test("regexKey reports a bad expression with code and remedy", () => {
  const issue = regexKey("demo.regex").safeParse("(?=a)").error!.issues[0]!;
  assert(issue.code === "custom");
  assertEquals(issue.params?.code, "demo.regex");
  assert(issue.params?.mend.includes("RE2"));
});

Deno.test("regexKey compiles a good expression and keeps its source", () => {
  const compiled = regexKey("demo.regex").parse("^a+$");
  assertEquals([compiled.source, compiled.test("aa"), compiled.test("b")], [
    "^a+$",
    true,
    false,
  ]);
});

const BEGINNINGS: [source: string, prefix: string, isExact: boolean][] = [
  ["^shop\\.orders$", "shop.orders", true],
  ["^orders$", "orders", true],
  ["^shop\\.orders", "shop.orders", false],
  ["^shop\\.*", "shop", false],
  ["^shop.orders$", "shop", false],
  ["^orders?$", "order", false],
  ["^a$|b", "", false],
  ["orders$", "", false],
];

for (const [source, prefix, isExact] of BEGINNINGS) {
  Deno.test(`regex /${source}/ begins with ${JSON.stringify(prefix)}${isExact ? " and ends so" : ""}`, () => {
    const compiled = regex(source);
    assertEquals([compiled.prefix, compiled.isExact], [prefix, isExact]);
  });
}
