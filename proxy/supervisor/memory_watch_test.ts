/** When a worker is told that its memory is short. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Mark } from "./memory_watch.ts";

const ROWS: readonly (readonly [
  name: string,
  bytes: readonly number[],
  told: readonly number[],
])[] = [
  ["below the mark nobody is told", [0, 40, 74], []],
  ["past it once", [74, 75, 76, 80], [75]],
  ["again when it has grown by a sixteenth", [75, 81, 82, 88, 89], [
    75,
    82,
    89,
  ]],
  ["and when it was below in between", [90, 50, 75, 75], [90, 75]],
];

for (const [name, bytes, told] of ROWS) {
  Deno.test(`Mark.passes(): ${name}`, () => {
    const mark = new Mark();
    assertEquals(bytes.filter((count) => mark.passes(count, 100)), told);
  });
}
