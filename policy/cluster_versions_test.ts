/** Resource versions, as they are held against each other. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import {
  clusterVersions,
  compareVersions,
  isVersion,
  olderIn,
} from "./cluster_versions.ts";

const numbers = fc.bigInt({ min: 1n, max: 2n ** 128n - 1n });

Deno.test("versions are compared as the numbers that they are", () => {
  fc.assert(
    fc.property(numbers, fc.oneof(numbers, fc.constant(1n)), (a, more) => {
      for (const b of [more, a, a + 1n, a * 10n]) {
        if (b >= 2n ** 128n) continue;
        const expected = a < b ? -1 : Number(a > b);
        assertEquals(Math.sign(compareVersions(`${a}`, `${b}`)), expected);
        assertEquals(isVersion(`${b}`), true);
      }
    }),
    { seed: 20_261_130, numRuns: 300 },
  );
});

Deno.test("what is no number from 1 on cannot be compared", () => {
  for (const text of ["", "0", "07", "-1", "1e3", "abc", " 1", "1\n"]) {
    assertEquals([text, isVersion(text)], [text, false]);
    const versions = { pods: [text, "1"] };
    assertEquals(clusterVersions.safeParse(versions).success, false);
  }
});

Deno.test("a state is older where it may lack a change that another one has", () => {
  const other = { pods: ["90", "120"], services: ["5", "120"] } as const;
  const cases = [
    { state: {}, older: [] },
    { state: { pods: ["89", "89"] }, older: ["pods"] },
    { state: { pods: ["89", "90"] }, older: [] },
    { state: { pods: ["89", "1000"] }, older: [] },
    { state: { nodes: ["1", "1"] }, older: [] },
    {
      state: { pods: ["9", "9"], services: ["4", "4"] },
      older: ["pods", "services"],
    },
  ] as const;
  for (const { state, older } of cases) {
    assertEquals(olderIn(state, other), older);
  }
});
