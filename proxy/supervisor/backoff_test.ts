/** How long it takes until a process that died is started again. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Backoff } from "./backoff.ts";

const CASES: readonly {
  readonly name: string;
  /** Milliseconds that one after another lived. */
  readonly lived: readonly number[];
  readonly waits: readonly number[];
}[] = [
  { name: "one that lived long", lived: [5000], waits: [0] },
  { name: "one that died young", lived: [10], waits: [0] },
  {
    name: "one after another that dies young",
    lived: [1, 1, 1, 1, 1, 1, 1, 1, 1],
    waits: [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000],
  },
  {
    name: "a long life in between",
    lived: [1, 1, 1, 6000, 1, 1],
    waits: [0, 100, 200, 0, 0, 100],
  },
];

for (const { name, lived, waits } of CASES) {
  Deno.test(`Backoff: ${name}`, () => {
    const backoff = new Backoff();
    assertEquals(lived.map((each) => backoff.after(each)), waits);
  });
}
