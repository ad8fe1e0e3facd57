import { deepStrictEqual as assertEquals } from "node:assert/strict";
import * as fc from "fast-check";
import {
  formatPorts,
  includes,
  merged,
  type PortRange,
  without,
} from "./ports.ts";

function ranges(text: string): PortRange[] {
  return text.split(",").filter(Boolean).map((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return { first: first!, last: last! };
  });
}

const MERGED = [
  { of: "", want: "" },
  { of: "80", want: "80" },
  { of: "90,80", want: "80, 90" },
  { of: "80,81", want: "80-81" },
  { of: "1-5,3-4", want: "1-5" },
  { of: "1-5,2-9,20", want: "1-9, 20" },
];

for (const { of, want } of MERGED) {
  Deno.test(`merged() of ${of || "nothing"}`, () =>
    assertEquals(formatPorts(merged(ranges(of))), want));
}

const LEFT = [
  { of: "1-65535", less: "15001", want: "1-15000, 15002-65535" },
  { of: "1-65535", less: "1,65535", want: "2-65534" },
  { of: "80-90", less: "85-100", want: "80-84" },
  { of: "80-90", less: "1-100", want: "" },
  { of: "80,90", less: "", want: "80, 90" },
];

for (const { of, less, want } of LEFT) {
  Deno.test(`without() of ${of} less ${less || "nothing"}`, () =>
    assertEquals(formatPorts(without(ranges(of), ranges(less))), want));
}

const anyRanges = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(5))
    .map(([first, more]) => ({ first, last: first + more })),
);

Deno.test("without() keeps a port exactly if no hole has it, and its ranges never touch", () => {
  fc.assert(fc.property(anyRanges, anyRanges, (all, holes) => {
    const left = without(all, holes);
    for (let port = 1; port <= 50; port++) {
      const wanted = includes(all, port) && !includes(holes, port);
      assertEquals(includes(left, port), wanted);
    }
    for (const [i, { first }] of left.entries()) {
      if (i > 0) assertEquals(first > left[i - 1]!.last + 1, true);
    }
  }));
});
