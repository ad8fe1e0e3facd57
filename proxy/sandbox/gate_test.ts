import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createRule } from "./gate.ts";

const isAllowed = createRule(["file:///snapshots/"]);
const PARSER = "file:///snapshots/abc/lib/mod.ts.js";
const ENGINE = "file:///parley/proxy/worker.ts";

const ALLOWED: readonly (readonly [specifier: string, parent: string])[] = [
  ["parley/proxylib", PARSER],
  ["parley/budget", PARSER], // the stager's own
  ["./a.ts.js", PARSER],
  ["../a.ts.js", PARSER],
  [PARSER, ENGINE],
];

const REFUSED: readonly (readonly [specifier: string, parent: string])[] = [
  ["../../def/mod.ts.js", PARSER],
  ["../../../parley/proxy/worker.ts", PARSER],
  ["..\\..\\..\\parley\\proxy\\worker.ts", PARSER],
  ["./%2e%2e/%2e%2e/def/mod.ts.js", PARSER],
  ["file:///snapshots/abc/lib/mod.ts.js", PARSER], // nobody needs it
  ["/snapshots/abc/a.ts.js", PARSER],
  ["//host/a.js", PARSER],
  ["node:fs", PARSER],
  ["fs", PARSER],
  ["npm:zod", PARSER],
  ["zod", PARSER],
  ["jsr:@std/fs", PARSER],
  ["data:text/javascript,1", PARSER],
  ["blob:null/1", PARSER],
  ["https://host/a.js", PARSER],
  ["parley/testkit", PARSER],
  ["parley/proxylib/../a.ts", PARSER],
  ["#a", PARSER],
  ["", PARSER],
  ["parley/proxylib", ENGINE], // it has it
  ["parley/budget", ENGINE],
  ["node:fs", ENGINE],
  ["./libc.ts", ENGINE],
  ["file:///snapshots/loose.js", ENGINE],
  ["file:///snapshots/../etc/a.js", ENGINE],
  ["file:///snapshots", ENGINE],
  ["file:///snapshotsX/abc/a.js", ENGINE],
  ["file://host/snapshots/abc/a.js", ENGINE],
  ["parley/proxylib", ""],
  ["./a.ts.js", "data:text/javascript,1"],
];

for (const [specifier, parent] of ALLOWED) {
  Deno.test(`the gate lets ${parent} import ${specifier}`, () => {
    assertEquals(isAllowed(specifier, parent), true);
  });
}
for (const [specifier, parent] of REFUSED) {
  Deno.test(`the gate refuses ${parent || "nobody"} ${specifier}`, () => {
    assertEquals(isAllowed(specifier, parent), false);
  });
}
