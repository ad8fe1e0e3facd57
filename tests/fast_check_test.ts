import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { SEED } from "./fast_check.ts";

Deno.test("properties that name no seed have the one of all", () => {
  assertEquals(fc.readConfigureGlobal().seed, SEED);
  const choices = () => fc.sample(fc.nat(), 3);
  assertEquals(choices(), choices());
});
