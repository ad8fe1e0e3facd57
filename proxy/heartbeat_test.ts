/** The heartbeat, read from the memory that it stands in. */
import {
  deepStrictEqual as assertEquals,
  notDeepStrictEqual as assertNotEquals,
} from "node:assert/strict";
import fc from "fast-check";
import {
  accountBy,
  BEAT_BYTES,
  beatFor,
  beatOn,
  enterParser,
  leaveParser,
  readBeat,
} from "./heartbeat.ts";

/** A page that beats, and what is read of it. */
function page(calls = 0) {
  const memory = new ArrayBuffer(4096);
  new Int32Array(memory)[0] = calls;
  beatOn(memory);
  return () => readBeat(new Uint8Array(memory, 0, BEAT_BYTES));
}

Deno.test("a page of zeros is that of a process that is in no parser", () => {
  assertEquals(page()(), {
    calls: 0,
    isInside: false,
    version: 0,
    connection: 0,
  });
});

Deno.test("what is entered stands there until it is left, with version and connection", () => {
  const read = page();
  beatFor(63_000_000_017, 5);
  enterParser();
  const inside = read();
  assertEquals([inside.isInside, inside.version, inside.connection], [
    true,
    5,
    63_000_000_017,
  ]);
  leaveParser();
  assertEquals(read().isInside, false);
});

Deno.test("no two calls are alike, and a call is left however often that is said", () => {
  fc.assert(fc.property(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.array(fc.constantFrom(enterParser, leaveParser), { maxLength: 40 }),
    (start, acts) => {
      const read = page(start);
      for (const act of acts) {
        const before = read();
        act();
        const after = read();
        assertEquals(after.isInside, act === enterParser);
        if (act === enterParser) assertNotEquals(after.calls, before.calls);
        else if (!before.isInside) assertEquals(after.calls, before.calls);
      }
    },
  ));
});

Deno.test("who is accounted for is told before each connection's bytes, and no longer than wished", () => {
  page();
  const told: number[] = [];
  accountBy((version) => told.push(version));
  beatFor(1, 3);
  beatFor(2, 4);
  accountBy(undefined);
  beatFor(3, 5);
  assertEquals(told, [3, 4]);
});
