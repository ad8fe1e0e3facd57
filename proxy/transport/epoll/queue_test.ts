/** The output queue against a plain list of bytes. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { Queue } from "./queue.ts";

/** Takes all that waits, head by head. */
function drained(queue: Queue): number[] {
  const all: number[] = [];
  while (queue.length > 0) {
    const head = queue.head();
    assert(head.length > 0, "a head of no bytes would be sent for ever");
    all.push(...head);
    queue.consume(head.length);
  }
  return all;
}

Deno.test("a queue that is new, cleared or consumed has no bytes", () => {
  const queue = new Queue();
  assertEquals(queue.length, 0);
  queue.push(Uint8Array.of(1, 2, 3));
  queue.clear();
  assertEquals(queue.length, 0);
  queue.push(Uint8Array.of(4));
  assertEquals([...queue.head()], [4]);
  queue.consume(1);
  assertEquals(queue.length, 0);
});

Deno.test("what is pushed is copied: its owner may overwrite it", () => {
  const queue = new Queue();
  const bytes = new Uint8Array(50_000).fill(1);
  queue.push(bytes);
  queue.push(bytes.subarray(0, 10));
  bytes.fill(2);
  assertEquals(new Set(drained(queue)), new Set([1]));
});

Deno.test("small pieces leave in few heads", () => {
  const queue = new Queue();
  for (let i = 0; i < 10_000; i++) queue.push(Uint8Array.of(i % 251));
  let heads = 0;
  for (let at = 0; queue.length > 0; heads++) {
    const head = queue.head();
    for (const byte of head) assertEquals(byte, at++ % 251);
    queue.consume(head.length);
  }
  assert(heads <= 4, `${heads} heads for 10,000 bytes`);
});

/** Sizes at and around the limits of the chunks, and anything. */
const size = fc.oneof(
  fc.nat(40),
  fc.constantFrom(0, 1, 16_383, 16_384, 16_385, 32_768),
  fc.nat(70_000),
);
const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ push: size }) },
  // Of the head, as a socket takes it: in part, or whole.
  {
    weight: 4,
    arbitrary: fc.record({
      consume: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ clear: true }) },
);

Deno.test("bytes leave as they came, whatever is pushed and consumed in turn", () => {
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 60, size: "max" }),
      (operations) => {
        const queue = new Queue();
        let model = new Uint8Array(0);
        let next = 0;
        for (const operation of operations) {
          if ("push" in operation) {
            const bytes = Uint8Array.from(
              { length: operation.push },
              () => next++ % 251,
            );
            queue.push(bytes);
            model = new Uint8Array([...model, ...bytes]);
          } else if ("clear" in operation) {
            queue.clear();
            model = new Uint8Array(0);
          } else if (model.length > 0) {
            const count = Math.ceil(queue.head().length * operation.consume);
            queue.consume(count);
            model = model.slice(count);
          }
          assertEquals(queue.length, model.length);
          if (model.length === 0) continue;
          const head = queue.head();
          assert(head.length > 0 && head.length <= model.length);
          assert(equal(head, model.subarray(0, head.length)));
        }
        assert(equal(Uint8Array.from(drained(queue)), model));
      },
    ),
    { numRuns: 60 },
  );
});

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
