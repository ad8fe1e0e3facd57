/** A process that is given no time is slow; one that uses what it has is stuck. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { isStuck, Overdue } from "./stuck.ts";

const LIMIT = 20;

const ROWS: readonly {
  readonly name: string;
  /** Milliseconds of a processor that it uses from one look to the next. */
  readonly uses: number;
  readonly standing: number;
}[] = [
  { name: "uses all that there is", uses: 10, standing: 20 },
  { name: "has half a processor", uses: 5, standing: 20 },
  { name: "has a quarter", uses: 2.5, standing: 40 },
  { name: "has a little", uses: 1.25, standing: 80 },
  { name: "is given none, or waits for something", uses: 0, standing: 100 },
];

for (const { name, uses, standing } of ROWS) {
  Deno.test(`Overdue: a process that ${name} is stuck after ${standing} ms of the ${LIMIT} that it has`, async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    let used = 1000 - uses;
    using _overdue = new Overdue(LIMIT, () => used += uses, resolve);
    assertEquals(await promise, standing);
  });
}

Deno.test("Overdue: a process that is gone has used nothing more", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  using _overdue = new Overdue(LIMIT, () => undefined, resolve);
  assertEquals(await promise, 5 * LIMIT);
});

Deno.test("isStuck(): nothing is, before its time", () => {
  assertEquals(isStuck(LIMIT - 1, LIMIT, LIMIT), false);
});
