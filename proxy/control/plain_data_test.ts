/** What a parser remembers reaches another process as it is, or is refused. */
import {
  deepStrictEqual as assertEquals,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { fromPlain, toPlain } from "./plain_data.ts";

Deno.test("data of every kind that is taken comes back as it was", () => {
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.boolean(),
      fc.bigInt(),
      fc.constant(null),
      fc.constant(undefined),
      fc.uint8Array(),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie("tree"), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
      fc.array(fc.tuple(tie("tree"), tie("tree")), { maxLength: 3 })
        .map((entries) => new Map(entries)),
      fc.array(tie("tree"), { maxLength: 3 }).map((items) => new Set(items)),
    ),
  }));
  fc.assert(
    fc.property(tree, (data) => {
      const sent = JSON.parse(JSON.stringify(toPlain(data)));
      assertEquals(fromPlain(sent), data);
    }),
    { numRuns: 500, seed: 20261124 },
  );
});

const circle: unknown[] = [];
circle.push(circle);

for (
  const [name, value] of [
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["an object of a class", new (class Mine {})()],
    ["a date", new Date(0)],
    ["data that holds itself", circle],
    ["a function deep inside", { a: [new Map([[1, { b: () => 1 }]])] }],
  ] as const
) {
  Deno.test(`${name} is refused`, () => {
    assertThrows(() => toPlain(value), TypeError);
  });
}

Deno.test("what was never written is refused", () => {
  assertThrows(() => fromPlain(["function", "x"]), TypeError);
});
