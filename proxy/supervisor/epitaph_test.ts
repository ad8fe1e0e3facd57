/** Deaths, in the operator's words. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { epitaph } from "./epitaph.ts";

const ROWS: readonly (readonly [how: string, said: string, told: string])[] = [
  [
    "signal SIGTRAP",
    "#\n# Fatal JavaScript out of memory: Reached heap limit\n#\n==== C stack trace",
    "out of memory (limits.workerBytes)",
  ],
  [
    "signal SIGABRT",
    "",
    "none, as when it is out of memory (limits.workerBytes)",
  ],
  ["signal SIGABRT", "assertion failed", "assertion failed"],
  ["signal SIGKILL", "", ""],
  ["exit code 70", "Error: a defect", "Error: a defect"],
];

for (const [how, lastWords, told] of ROWS) {
  Deno.test(`epitaph() of ${how} after ${JSON.stringify(lastWords)}`, () => {
    const ended = { how, lastWords, success: false };
    assertEquals(epitaph(ended), { ...ended, lastWords: told });
  });
}
