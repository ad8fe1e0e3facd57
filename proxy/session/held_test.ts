import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { Held } from "./held.ts";

/** The same, done the plain way: an array of all bytes, copied each time. */
class Naive {
  #bytes: number[] = [];
  show(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
  }
  take(most: number): number[] {
    return this.#bytes.splice(0, most);
  }
  clear(): void {
    this.#bytes = [];
  }
  bytes(): number[] {
    return [...this.#bytes];
  }
}

function take(held: Held, most: number): Uint8Array {
  held.pass(most);
  return held.passed();
}

type Action =
  | { readonly do: "show"; readonly length: number }
  | { readonly do: "take"; readonly most: number }
  | { readonly do: "keep" | "clear" };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.oneof(fc.nat(20), fc.integer({ min: 500, max: 1200 }))
      .map((length): Action => ({ do: "show", length })),
  },
  {
    weight: 4,
    arbitrary: fc.oneof(fc.nat(30), fc.nat(1500))
      .map((most): Action => ({ do: "take", most })),
  },
  { weight: 3, arbitrary: fc.constant<Action>({ do: "keep" }) },
  { weight: 1, arbitrary: fc.constant<Action>({ do: "clear" }) },
);

Deno.test("Held holds what a plain array would, also when lent buffers are reused", () => {
  const actions = fc.array(action, { maxLength: 60, size: "max" });
  fc.assert(
    fc.property(actions, (actions) => {
      const [held, naive] = [new Held(), new Naive()];
      let next = 0;
      let lent: Uint8Array[] = [];
      for (const action of actions) {
        switch (action.do) {
          case "show": {
            const bytes = Uint8Array.from(
              { length: action.length },
              () => next++,
            );
            lent.push(bytes);
            held.show(bytes);
            naive.show(bytes);
            break;
          }
          case "take":
            assertEquals([...take(held, action.most)], naive.take(action.most));
            break;
          case "keep": // from here the lender may do with its bytes as it likes
            held.keep();
            for (const bytes of lent) bytes.fill(0xee);
            lent = [];
            break;
          case "clear":
            held.clear();
            naive.clear();
        }
        assertEquals([...held.bytes()], naive.bytes());
        assertEquals(held.length, naive.bytes().length);
      }
    }),
    { seed: 11, numRuns: 400 },
  );
});

Deno.test("Held lends bytes without a copy while they are shown", () => {
  const held = new Held();
  const bytes = Uint8Array.of(1, 2, 3);
  held.show(bytes);
  assertEquals(held.bytes().buffer, bytes.buffer);
  assert(take(held, 2).buffer === bytes.buffer);
});

Deno.test("Held does not write into bytes it was lent", () => {
  const held = new Held();
  const large = new Uint8Array(64).fill(1);
  held.show(large.subarray(0, 4));
  held.show(Uint8Array.of(2, 2));
  held.keep();
  assertEquals(large, new Uint8Array(64).fill(1));
});

Deno.test("Held moves a frame that comes in many reads a bounded number of times", () => {
  const held = new Held();
  const chunk = new Uint8Array(16);
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 20_000; i++) {
    held.show(chunk);
    held.keep();
    buffers.add(held.bytes().buffer);
  }
  assertEquals(held.length, 320_000);
  assert(buffers.size < 16, `${buffers.size} buffers`);
  assert(held.bytes().buffer.byteLength <= 2 * 320_000);
});

Deno.test("Held keeps no buffer when all was taken", () => {
  const held = new Held();
  held.show(new Uint8Array(100_000));
  held.keep();
  take(held, 100_000);
  held.keep();
  assertEquals(held.bytes().buffer.byteLength, 0);
});

Deno.test("Held hands out in one piece what was passed in several, and never what was dropped", () => {
  const held = new Held();
  held.show(Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
  held.pass(1);
  held.pass(2);
  assertEquals([...held.passed()], [1, 2, 3]);
  assertEquals(held.drop(2), 2);
  assertEquals([...held.passed()], []);
  assertEquals(held.pass(9), 2);
  assertEquals([...held.passed()], [6, 7]);
  assertEquals(held.length, 0);
});
