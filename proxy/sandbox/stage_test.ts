import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { stageModule } from "./stage.ts";

/** What passes, and what is written; the file is `a/mod.ts`. */
const PASSES: readonly (readonly [
  name: string,
  source: string,
  code: string,
])[] = [
  ["types", "let a: number = 1 as any;", "let a         = 1       ;"],
  ["a byte order mark", "\ufeffexport {};", "export {};"],
  ["a hashbang", "#!/usr/bin/deno\nlet a: 1;", "#!/usr/bin/deno\nlet a   ;"],
  ["proxylib", 'import "parley/proxylib";', 'import "parley/proxylib";'],
  ["a file beside it", 'import "./b.ts";', 'import "./b.ts.js";'],
  ["a file below", 'export * from "./b/c.ts";', 'export * from "./b/c.ts.js";'],
  [
    "a file above",
    'export { a } from "../b.ts";',
    'export { a } from "../b.ts.js";',
  ],
  ["a way around", 'import "./b/../c.ts";', 'import "./c.ts.js";'],
  ["an escaped specifier", "import './b\\u002ets';", 'import "./b.ts.js";'],
  ["a type's import", 'import type { A } from "node:fs";', " ".repeat(33)],
  [
    "types among imports",
    'import { type A, b } from "./b.ts";',
    'import {         b } from "./b.ts.js";',
  ],
  ["type arguments", "let a = b<c>(d);", "let a = b   (d);"],
  ["comparisons", "let a = (b < c) > (d);", "let a = (b < c) > (d);"],
  ["escaped names", "let \\u{61} = 1;", "let \\u{61} = 1;"],
  ["end tags in texts", "let a = '</script><!--';", "let a = '</script><!--';"],
  ["imports in texts", "let a = `import('x')`;", "let a = `import('x')`;"],
  [
    "awaits in functions",
    "async () => await 1;",
    "async () => ($charge0(),await 1);",
  ],
  [
    "awaits in fields",
    "class A { b = async () => await 1; }",
    "class A { b = async () => ($charge0(),await 1); }",
  ],
  [
    "look-alikes of look-around",
    "/[(?=a)]\\(?=(?:a)(?<n>b)/;",
    "/[(?=a)]\\(?=(?:a)(?<n>b)/;",
  ],
  ["escapes that are no references", "/\\\\1[\\1]/;", "/\\\\1[\\1]/;"],
  ["a comment about imports", "// import('x')", "// import('x')"],
];

/** What budget checks need before the first statement; all else about them is for `budget_test.ts`. */
const PREAMBLE =
  /^((?:#!.*\n)?)import\{charge as [^}]*\}from"parley\/budget";\$load0\(\);/;

function withoutPreamble(code: string): string {
  return code.replace(PREAMBLE, "$1");
}

for (const [name, source, code] of PASSES) {
  Deno.test(`stageModule() passes ${name}`, () => {
    const staging = stageModule("a/mod.ts", source);
    assert("code" in staging, JSON.stringify(staging));
    assertEquals(withoutPreamble(staging.code), code);
    assertEquals(code.split("\n").length, source.split("\n").length);
  });
}

const SYNTAX = "syntax error";
const DYNAMIC = "an import while the parser runs";
const AWAIT = "an await outside";
const LOOK = "a regular expression with look-around";
const REFERENCE = "a regular expression with a back-reference";
const IMPORT = "the import";

/** What is refused: where, and what is said to be found. */
const REFUSED: readonly (readonly [
  source: string,
  line: number,
  column: number,
  found: string,
])[] = [
  ['import("./b.ts");', 1, 1, DYNAMIC],
  ["\nlet a = import/* b */ ( /* c */ 'd' );", 2, 9, DYNAMIC],
  ["`${import('a')}`;", 1, 4, DYNAMIC],
  ["let a = (b = import('c')) => b;", 1, 14, DYNAMIC],
  ["class A { static { import('b'); } }", 1, 20, DYNAMIC],
  ["let a = import('b' as any);", 1, 9, DYNAMIC],
  ["import('a', { with: { type: 'json' } });", 1, 1, DYNAMIC],
  ["\\u0069mport('a');", 1, 1, SYNTAX],
  ["import defer * as a from './b.ts';", 1, 14, SYNTAX],
  ["import source a from './b.ts';", 1, 15, SYNTAX],
  ["<!-- a", 1, 1, SYNTAX],
  ["with (a) {}", 1, 1, SYNTAX],
  ["let a = import.meta.url;", 1, 9, "import.meta"],
  [
    "import a from './b.json' with { type: 'json' };",
    1,
    15,
    "import attributes",
  ],
  ["import 'node:fs';", 1, 8, IMPORT],
  ["import { load } from 'parley/budget';", 1, 22, IMPORT],
  ["import a from 'npm:zod';", 1, 15, IMPORT],
  ["export * from 'zod';", 1, 15, IMPORT],
  ["export * as a from 'data:text/javascript,1';", 1, 20, IMPORT],
  ["import '/etc/a.ts';", 1, 8, IMPORT],
  ["import 'file:///a.ts';", 1, 8, IMPORT],
  ["import 'parley/proxylib/../a.ts';", 1, 8, IMPORT],
  ["import '../../b.ts';", 1, 8, IMPORT],
  ["import './../../b.ts';", 1, 8, IMPORT],
  ["import './%2e%2e/%2e%2e/b.ts';", 1, 8, IMPORT],
  ["import './..\\\\..\\\\b.ts';", 1, 8, IMPORT],
  ["import './b.ts?c';", 1, 8, IMPORT],
  ["import './b.ts#c';", 1, 8, IMPORT],
  ["import './/b.ts';", 1, 8, IMPORT],
  ["import './b.ts\\n';", 1, 8, IMPORT],
  ["import '.';", 1, 8, IMPORT],
  ["await 1;", 1, 1, AWAIT],
  ["for await (const a of b) {}", 1, 1, AWAIT],
  ["await using a = b;", 1, 1, AWAIT],
  ["class A { [await 1] = 2 }", 1, 12, AWAIT],
  ["class A extends (await 1) {}", 1, 18, AWAIT],
  ["let a = /b(?=c)/;", 1, 11, LOOK],
  ["let a = /b(?!c)/v;", 1, 11, LOOK],
  ["let a = /(?<=c)/u;", 1, 10, LOOK],
  ["let a = /[[b]c](?<!d)/v;", 1, 16, LOOK],
  ["let a = /(b)\\1/;", 1, 13, REFERENCE],
  ["let a = /(?<b>c)\\k<b>/;", 1, 17, REFERENCE],
  ["//# sourceMappingURL=b.map", 1, 1, "a sourceURL"],
  ["/*# sourceURL=b.js */", 1, 1, "a sourceURL"],
  ["//@ sourceMappingURL=b.map", 1, 1, "a sourceURL"],
  ["\nenum A {}", 2, 1, "TypeScript enum"],
  ["namespace A { export let b = 1; }", 1, 1, "TypeScript namespace"],
  ["class A { constructor(private b: 1) {} }", 1, 31, "TypeScript parameter"],
  ["let a = <any> 1;", 1, 9, "The angle-bracket"],
  ["import a = require('b');", 1, 1, "TypeScript import equals"],
  ["export = 1;", 1, 1, "TypeScript export assignment"],
  ["let a = ;", 1, 9, "syntax error: Expression expected"],
  ["\nlet a: b = {;", 2, 13, "syntax error: Unexpected token `;`"],
];

for (const [source, line, column, found] of REFUSED) {
  Deno.test(`stageModule() refuses ${source.trim()}`, () => {
    const staging = stageModule("a/mod.ts", source);
    assert("problems" in staging, JSON.stringify(staging));
    const [problem] = staging.problems;
    assert(problem!.found.startsWith(found), problem!.found);
    assertEquals([problem!.line, problem!.column], [line, column]);
    assert(problem!.mend.length > 0);
  });
}

Deno.test("stageModule() tells of all problems at once", () => {
  const source = "import 'a';\nimport('b');\nawait import.meta;\n";
  const staging = stageModule("mod.ts", source);
  assert("problems" in staging);
  assertEquals(staging.problems.map(({ line }) => line), [1, 2, 3, 3]);
});

Deno.test("stageModule() takes JavaScript as it is", () => {
  const code = "export const a = b < c > (d);\n";
  const staging = stageModule("mod.js", code);
  assert("code" in staging);
  assertEquals(withoutPreamble(staging.code), code);
});

Deno.test("stageModule() refuses nesting that no parser can follow", () => {
  const deep = 100_000;
  const source = `${"[".repeat(deep)}${"]".repeat(deep)};`;
  const staging = stageModule("mod.js", source);
  assert("problems" in staging);
  assertMatch(staging.problems[0]!.found, /too deep|stack space/);
});
