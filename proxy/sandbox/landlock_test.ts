import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { handledBy } from "./landlock.ts";

/** Rights by ABI: Linux, Documentation/userspace-api/landlock.rst, "Previous limitations". */
const ABIS: readonly {
  readonly abi: number;
  readonly fs: number;
  readonly net: number;
  readonly scope: number;
  readonly size: number;
  readonly missing: number;
}[] = [
  { abi: 0, fs: 0, net: 0, scope: 0, size: 8, missing: 6 },
  { abi: 1, fs: 0x1fff, net: 0, scope: 0, size: 8, missing: 5 },
  { abi: 2, fs: 0x3fff, net: 0, scope: 0, size: 8, missing: 5 },
  { abi: 3, fs: 0x7fff, net: 0, scope: 0, size: 8, missing: 4 },
  { abi: 4, fs: 0x7fff, net: 3, scope: 0, size: 16, missing: 3 },
  { abi: 5, fs: 0xffff, net: 3, scope: 0, size: 16, missing: 2 },
  { abi: 6, fs: 0xffff, net: 3, scope: 3, size: 24, missing: 0 },
  { abi: 7, fs: 0xffff, net: 3, scope: 3, size: 24, missing: 0 },
  { abi: 99, fs: 0xffff, net: 3, scope: 3, size: 24, missing: 0 },
];

for (const { abi, missing, ...rights } of ABIS) {
  Deno.test(`handledBy() knows what Landlock ABI ${abi} can forbid`, () => {
    const { missing: found, ...handled } = handledBy(abi);
    assertEquals(handled, rights);
    assertEquals(found.length, missing);
  });
}
