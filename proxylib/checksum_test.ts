import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { crc32 as reference } from "node:zlib";
import fc from "fast-check";
import { crc32 } from "./checksum.ts";
import { bytes } from "./text.ts";

Deno.test("crc32() has the check value of its definition", () => {
  assertEquals(crc32(bytes("123456789")), 0xcbf43926);
  assertEquals(crc32(bytes("")), 0);
});

Deno.test("crc32() agrees with zlib on any part of any bytes, in one go or two", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(100),
      fc.nat(100),
      (data, a, b) => {
        const start = Math.min(a, b, data.length);
        const end = Math.min(Math.max(a, b), data.length);
        const part = data.subarray(start, end);
        assertEquals(crc32(data, start, end), reference(part));
        assertEquals(
          crc32(data, start, end, crc32(data, 0, start)),
          reference(data.subarray(0, end)),
        );
      },
    ),
    { seed: 20_261_124, numRuns: 500 },
  );
});
