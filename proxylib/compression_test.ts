import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { lz4Block, snappyElements, snappyPreamble } from "./compression.ts";
import { bytes, latin1 } from "./text.ts";

const RUNS = { seed: 20_261_124, numRuns: 500 };

/** What a block is made of: bytes as they are, or a repetition of earlier ones. */
type Element =
  | { readonly literals: Uint8Array }
  | { readonly distance: number; readonly length: number };

/** What the elements stand for, by their definition. */
function expand(elements: readonly Element[]): Uint8Array {
  const out: number[] = [];
  for (const element of elements) {
    if ("literals" in element) out.push(...element.literals);
    else {
      for (let i = 0; i < element.length; i++) {
        out.push(out[out.length - element.distance]!);
      }
    }
  }
  return Uint8Array.from(out);
}

/** LZ4 pairs each run of literals with a match; the last has none. */
function encodeLz4(elements: readonly Element[]): Uint8Array {
  const out: number[] = [];
  const extended = (length: number) => {
    if (length < 15) return;
    let rest = length - 15;
    for (; rest >= 255; rest -= 255) out.push(255);
    out.push(rest);
  };
  const sequence = (literals: Uint8Array, match?: Element) => {
    const length = match && "length" in match ? match.length - 4 : 0;
    out.push(Math.min(literals.length, 15) << 4 | Math.min(length, 15));
    extended(literals.length);
    out.push(...literals);
    if (!match || !("distance" in match)) return;
    out.push(match.distance & 0xff, match.distance >> 8);
    extended(length);
  };
  let literals: number[] = [];
  for (const element of elements) {
    if ("literals" in element) literals.push(...element.literals);
    else {
      sequence(Uint8Array.from(literals), element);
      literals = [];
    }
  }
  sequence(Uint8Array.from(literals));
  return Uint8Array.from(out);
}

function encodeSnappy(elements: readonly Element[]): Uint8Array {
  const out: number[] = [];
  let length = expand(elements).length;
  for (; length >= 0x80; length >>>= 7) out.push(length & 0x7f | 0x80);
  out.push(length);
  for (const element of elements) {
    if ("literals" in element) {
      const { literals } = element;
      if (literals.length === 0) continue;
      const less = literals.length - 1;
      if (less < 60) out.push(less << 2);
      else out.push(61 << 2, less & 0xff, less >> 8);
      out.push(...literals);
      continue;
    }
    const { distance } = element;
    for (let rest = element.length; rest > 0; rest -= 64) {
      const size = Math.min(rest, 64);
      if (size >= 4 && size <= 11 && distance < 2048) {
        out.push(distance >> 8 << 5 | size - 4 << 2 | 1, distance & 0xff);
      } else if (distance % 2 === 0) {
        out.push(size - 1 << 2 | 2, distance & 0xff, distance >> 8);
      } else {
        out.push(size - 1 << 2 | 3, distance & 0xff, distance >> 8, 0, 0);
      }
    }
  }
  return Uint8Array.from(out);
}

const elements = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 400, size: "max" }).map((literals) => ({
      literals,
    })),
    fc.record({
      distance: fc.integer({ min: 1, max: 300 }),
      length: fc.integer({ min: 4, max: 700 }),
    }),
  ),
  { minLength: 1, maxLength: 8 },
).map((made): Element[] => [
  { literals: bytes("0123456789".repeat(30)) }, // so that no distance goes too far
  ...made,
]);

function decodeSnappy(block: Uint8Array, end: number, most?: number) {
  const preamble = snappyPreamble(block, 0, end);
  assert(typeof preamble === "object");
  const output = new Uint8Array(most ?? preamble.length);
  const count = snappyElements(block, preamble.elements, end, output);
  return output.subarray(0, count);
}

function decodeLz4(block: Uint8Array, end: number, most: number) {
  const output = new Uint8Array(most);
  return output.subarray(0, lz4Block(block, 0, end, output));
}

Deno.test("lz4Block() and snappyElements() decode what was encoded", () => {
  fc.assert(
    fc.property(elements, (elements) => {
      const want = expand(elements);
      const lz4 = encodeLz4(elements);
      const snappy = encodeSnappy(elements);
      assertEquals(decodeLz4(lz4, lz4.length, want.length), want);
      assertEquals(decodeSnappy(snappy, snappy.length), want);
    }),
    RUNS,
  );
});

Deno.test("lz4Block() and snappyElements() decode the front of it, from the front of the block", () => {
  fc.assert(
    fc.property(elements, fc.nat(3000), fc.nat(1000), (elements, cut, most) => {
      const whole = expand(elements);
      for (
        const [block, decode] of [
          [encodeLz4(elements), decodeLz4],
          [encodeSnappy(elements), decodeSnappy],
        ] as const
      ) {
        const room = Math.min(most, whole.length);
        const end = Math.max(5, Math.min(cut, block.length));
        const got = decode(block, end, room);
        assertEquals(got, whole.subarray(0, got.length));
        if (end === block.length) assertEquals(got.length, room);
      }
    }),
    RUNS,
  );
});

Deno.test("lz4Block() and snappyElements() take any bytes, and stay within their room", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(200),
      (block, room) => {
        for (const decode of [lz4Block, snappyElements]) {
          const backing = new Uint8Array(room + 64);
          const output = backing.subarray(0, room);
          const count = decode(block, 0, block.length, output);
          assert((count < 0 ? ~count : count) <= room);
          assert(backing.subarray(room).every((byte) => byte === 0));
        }
      },
    ),
    { ...RUNS, numRuns: 3000 },
  );
});

Deno.test("lz4Block() and snappyElements() stop at a match that begins before the output", () => {
  const output = new Uint8Array(100);
  const block = Uint8Array.of(0x10, 0x61, 2, 0);
  assertEquals(lz4Block(block, 0, 4, output), ~1);
  assertEquals(
    lz4Block(Uint8Array.of(0x10, 0x61, 0, 0), 0, 4, output),
    ~1,
  );
  for (
    const copy of [[0x01, 2], [0x02, 2, 0], [0x03, 2, 0, 0, 0], [0x01, 0]]
  ) {
    const elements = Uint8Array.of(0, 0x61, ...copy);
    assertEquals(
      snappyElements(elements, 0, elements.length, output),
      ~1,
    );
  }
});

Deno.test("snappyPreamble() reads lengths of up to 32 bits", () => {
  assertEquals(snappyPreamble(Uint8Array.of(0x40), 0, 1), {
    length: 64,
    elements: 1,
  });
  assertEquals(
    snappyPreamble(Uint8Array.of(9, 0xfe, 0xff, 0x7f), 1, 4),
    { length: 2097150, elements: 4 },
  );
  assertEquals(snappyPreamble(Uint8Array.of(0x80, 0x80), 0, 2), undefined);
  for (const last of [0x10, 0x80]) {
    const preamble = Uint8Array.of(255, 255, 255, 255, last, 0);
    assertEquals(snappyPreamble(preamble, 0, 6)?.length, -1);
  }
});

Deno.test("lz4Block() makes no more of a bomb than was asked for", () => {
  // A literal, and a match of 255 bytes for each further byte.
  const bomb = new Uint8Array(100_000).fill(255);
  bomb.set([0x1f, 0x61, 1, 0]);
  bomb[bomb.length - 1] = 0;
  const output = new Uint8Array(16);
  assertEquals(lz4Block(bomb, 0, bomb.length, output), 16);
  assertEquals(latin1(output), "a".repeat(16));
});
