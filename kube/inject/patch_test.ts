/** A patch makes the one value of the other, whatever they are. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { difference, type Operation } from "./patch.ts";
import { applyPatch } from "./testing.ts";

const CASES: readonly {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly patch: readonly Operation[];
}[] = [
  {
    name: "nothing for equal values, whatever the order of keys",
    before: { a: 1, b: [{ c: null, d: 2 }] },
    after: { b: [{ d: 2, c: null }], a: 1 },
    patch: [],
  },
  {
    name: "an item put first",
    before: { list: ["b", "c"] },
    after: { list: ["a", "b", "c"] },
    patch: [{ op: "add", path: "/list/0", value: "a" }],
  },
  {
    name: "an item put last",
    before: ["a"],
    after: ["a", "b"],
    patch: [{ op: "add", path: "/1", value: "b" }],
  },
  {
    name: "items taken from the middle",
    before: ["a", "b", "c", "d"],
    after: ["a", "d"],
    patch: [{ op: "remove", path: "/2" }, { op: "remove", path: "/1" }],
  },
  {
    name: "a member of an item",
    before: [{ name: "a", n: 1 }],
    after: [{ name: "a", n: 2 }],
    patch: [{ op: "replace", path: "/0/n", value: 2 }],
  },
  {
    name: "an item put before one that changes",
    before: [{ name: "a", n: 1 }],
    after: [{ name: "b" }, { name: "a", n: 2 }],
    patch: [
      { op: "add", path: "/0", value: { name: "b" } },
      { op: "replace", path: "/1/n", value: 2 },
    ],
  },
  {
    name: "keys with / and ~",
    before: {},
    after: { "parley.dev/ports": "1", "~": 2 },
    patch: [
      { op: "add", path: "/parley.dev~1ports", value: "1" },
      { op: "add", path: "/~0", value: 2 },
    ],
  },
  {
    name: "another kind of value",
    before: { a: [1] },
    after: { a: { b: 1 } },
    patch: [{ op: "replace", path: "/a", value: { b: 1 } }],
  },
];

for (const { name, before, after, patch } of CASES) {
  Deno.test(`difference(): ${name}`, () => {
    assertEquals(difference(before, after), patch);
    assertEquals(applyPatch(before, patch), after);
  });
}

/** Few different values, so that there are common parts. */
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, 0, 1, "", "a", true),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.array(fc.record({ name: fc.constantFrom("a", "b"), of: tie("value") })),
    fc.dictionary(fc.constantFrom("a", "b", "a/b", "~1", ""), tie("value")),
  ),
})).value;

Deno.test("difference() makes the one of the other", () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      const patch = difference(before, after);
      assertEquals(plain(applyPatch(before, patch)), plain(after));
    }),
    { seed: 20_261_124, numRuns: 2000 },
  );
});

/** Without fast-check's prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
