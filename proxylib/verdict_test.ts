import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { drop, error, more, nop, part, pass } from "./verdict.ts";

Deno.test("verdicts are of one shape", () => {
  assertEquals(pass(7), { op: "pass", bytes: 7, last: true, code: "" });
  assertEquals(part(7), { op: "pass", bytes: 7, last: false, code: "" });
  assertEquals(drop(7), { op: "drop", bytes: 7, last: true, code: "" });
  assertEquals(more(7), { op: "more", bytes: 7, last: true, code: "" });
  assertEquals(nop(), { op: "nop", bytes: 0, last: true, code: "" });
  assertEquals(error("x"), { op: "error", bytes: 0, last: true, code: "x" });
});

for (const make of [pass, part, drop, more]) {
  for (const count of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    Deno.test(`${make.name}(${count}) throws and says how to mend it`, () => {
      throws(() => make(count), (error: Error) =>
        error instanceof RangeError &&
        error.message.includes(`Cannot make a ${make.name} verdict`) &&
        error.message.includes(`current value is ${count}`) &&
        error.message.includes("nop()"));
    });
  }
}
