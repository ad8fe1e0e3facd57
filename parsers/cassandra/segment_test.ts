import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { containedSegment, PAYLOAD_MAX, Segment } from "./segment.ts";
import { joined, segment } from "./testkit.ts";

Deno.test("Segment reads what the specification writes, in both forms", () => {
  const found = new Segment();
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400, size: "max" }),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.uint8Array({ maxLength: 20 }),
      (frames, contained, lz4, isPacked, before) => {
        const packed = lz4 && isPacked && frames.length > 0;
        const written = segment(frames, { contained, lz4, packed });
        const data = joined(before, written, "behind");
        const at = before.length;
        assertEquals(found.read(data, at, data.length, lz4), 0);
        assertEquals(found.size, frames.length);
        assertEquals(found.isContained, contained);
        assertEquals(found.end, at + written.length);
        assertEquals(found.isIntact(data), true);
        const output = new Uint8Array(found.size);
        assertEquals(found.unpack(data, output), true);
        assertEquals(output, frames);
      },
    ),
    { seed: 20_261_124, numRuns: 300 },
  );
});

Deno.test("Segment says how many bytes its header misses", () => {
  for (const lz4 of [false, true]) {
    const data = segment(new Uint8Array(10), { lz4 });
    const head = lz4 ? 8 : 6;
    for (let have = 0; have < head; have++) {
      assertEquals(new Segment().read(data, 0, have, lz4), head - have);
    }
  }
});

Deno.test("containedSegment() writes pieces as the specification has it", () => {
  const data = Uint8Array.from({ length: 200 }, (_, i) => i);
  for (const lz4 of [false, true]) {
    assertEquals(
      containedSegment(data, [10, 20, 50, 150], lz4),
      segment(joined(data.subarray(10, 20), data.subarray(50, 150)), { lz4 }),
    );
  }
});

Deno.test("containedSegment() writes as much as a segment holds", () => {
  const data = new Uint8Array(PAYLOAD_MAX).fill(7);
  for (const lz4 of [false, true]) {
    assertEquals(
      containedSegment(data, [0, PAYLOAD_MAX], lz4),
      segment(data, { lz4 }),
    );
  }
});
