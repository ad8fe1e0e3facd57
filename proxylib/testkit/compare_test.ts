import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { bytes } from "../text.ts";
import type { Case } from "./case.ts";
import { compare, compareCuts, type LogLine, type Outcome } from "./compare.ts";

const LOG: LogLine[] = ["a", "b", "c"].map((cmd) => ({
  type: "request",
  verdict: "forwarded",
  fields: { cmd, keys: ["k", cmd] },
}));

function outcome(forward: string, log = LOG): Outcome {
  const out = bytes(forward);
  const back = new Uint8Array(0);
  const steps = [{ out, back, closed: false, log }];
  return { steps, forward: out, reply: back, closed: false, log };
}

function found(expected: Partial<Case>, forward = "abc"): string {
  return compare({ name: "n", steps: [], ...expected }, outcome(forward))
    .join("\n");
}

Deno.test("compare does not look at what is not expected", () => {
  assertEquals(found({ expect: [] }), "");
  assertEquals(found({ expect: [{}] }), "");
});

Deno.test("compare shows where bytes differ, quoted and with their number", () => {
  assertEquals(
    found({ total: { forward: 'ab"\r\n\0' } }, "abx"),
    "in all, forward: differs at byte 2\n" +
      '    expected "ab\\"\\r\\n\\x00" (6 bytes)\n' +
      '    found    "abx" (3 bytes)',
  );
});

Deno.test("compare shows long bytes around the difference only", () => {
  const text = "x".repeat(1000);
  match(
    found({ total: { forward: text } }, text.slice(0, 500) + "y"),
    /expected …"x{64}"… \(1000 bytes\)\n {4}found {4}…"x{24}y" \(501 bytes\)/,
  );
});

const LOGS: [name: string, log: object[], holds: boolean][] = [
  ["some of the lines, in order", [{ fields: { cmd: "a" } }, {
    fields: { cmd: "c" },
  }], true],
  [
    "lines out of order",
    [{ fields: { cmd: "c" } }, { fields: { cmd: "a" } }],
    false,
  ],
  [
    "one line twice",
    [{ fields: { cmd: "a" } }, { fields: { cmd: "a" } }],
    false,
  ],
  ["some of the members", [{ verdict: "forwarded" }], true],
  ["a member that is not there", [{ reason: "no-rule" }], false],
  ["an equal array", [{ fields: { keys: ["k", "b"] } }], true],
  ["the beginning of an array", [{ fields: { keys: ["k"] } }], false],
];

for (const [name, log, holds] of LOGS) {
  Deno.test(`compare ${holds ? "accepts" : "refuses"} ${name} of the log`, () => {
    assertEquals(found({ expect: [{ log }] }) === "", holds);
  });
}

Deno.test("compareCuts wants the whole log the same, and the bytes", () => {
  assertEquals(compareCuts(outcome("a"), outcome("a")), []);
  assertEquals(compareCuts(outcome("a"), outcome("b")).length, 1);
  match(
    compareCuts(outcome("a"), outcome("a", LOG.slice(1)))[0]!,
    /^log line 0 differs/,
  );
  match(
    compareCuts(outcome("a"), outcome("a", LOG.slice(0, 2)))[0]!,
    /^log line 2 differs/,
  );
});
