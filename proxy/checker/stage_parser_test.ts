import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { stageParser } from "./stage_parser.ts";

const PARSER = { name: "mine", folder: "/parsers", entry: "mine/mod.ts" };

Deno.test("stageParser() stages the entry, and what is imported from there", () => {
  const staged = stageParser(PARSER, {
    "mine/mod.ts": 'import { a } from "./lib/a.ts";\nexport default a as 1;',
    "mine/lib/a.ts": 'export { a } from "../b.ts";',
    "mine/b.ts": 'export const a = 1;\nimport "./mod.ts";',
    "other.ts": "await 1;",
  });
  const endings = {
    "mine/mod.ts.js":
      'import { a } from "./lib/a.ts.js";\nexport default a     ;',
    "mine/lib/a.ts.js": 'export { a } from "../b.ts.js";',
    "mine/b.ts.js": 'export const a = 1;\nimport "./mod.ts.js";',
  };
  assertEquals(Object.keys(staged.files!), Object.keys(endings));
  for (const [path, ending] of Object.entries(endings)) {
    assertEquals(staged.files![path]!.slice(-ending.length), ending);
  }
});

const WRONG: readonly (readonly [string, Record<string, string>, RegExp])[] = [
  [
    "an import of what is not there",
    { "mine/mod.ts": 'import "./a.ts";' },
    /at \/parsers\/mine\/mod\.ts:1:8: the import "\.\/a\.ts", where no file is/,
  ],
  [
    "an import by the name in the snapshot",
    { "mine/mod.ts": 'import "./a.ts.js";', "mine/a.ts": "" },
    /mod\.ts:1:8: the import "\.\/a\.ts\.js", where no file is/,
  ],
  [
    "a problem of an imported file",
    { "mine/mod.ts": 'import "./a.ts";', "mine/a.ts": "\nawait 1;" },
    /at \/parsers\/mine\/a\.ts:2:1: an await outside of functions/,
  ],
  [
    "a path that leads out",
    { "mine/mod.ts": 'import "../../a.ts";', "../a.ts": "" },
    /mod\.ts:1:8: the import "\.\.\/\.\.\/a\.ts", which leads out/,
  ],
  [
    "a path that a URL reads otherwise",
    { "mine/mod.ts": 'import "./%2e%2e.ts";', "mine/%2e%2e.ts": "" },
    /mod\.ts:1:8: the import "\.\/%2e%2e\.ts", which has characters/,
  ],
];

for (const [name, texts, want] of WRONG) {
  Deno.test(`stageParser() refuses ${name}`, () => {
    const { files, error } = stageParser(PARSER, texts);
    assertEquals(files, undefined);
    assertMatch(error!, want);
  });
}
