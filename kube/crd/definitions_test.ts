/** The CustomResourceDefinitions: what is committed, and what zod's schemas become. */
import {
  deepStrictEqual as assertEquals,
  throws as assertThrows,
} from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { definitions } from "./definitions.ts";
import { structural } from "./structural.ts";
import { CRDS_FILE } from "./write.ts";

Deno.test("what is committed of the definitions is what would be made: deno task crds", async () => {
  const file = new URL(`../../${CRDS_FILE}`, import.meta.url);
  const written = parseAllDocuments(await Deno.readTextFile(file))
    .map((document) => document.toJS());
  assertEquals(written, JSON.parse(JSON.stringify(definitions())));
});

const KEEPS = { "x-kubernetes-preserve-unknown-fields": true };

const CASES: readonly (readonly [string, z.ZodType, object])[] = [
  [
    "a value that may be null",
    z.string().nullish().describe("a name"),
    { description: "a name", type: "string", nullable: true },
  ],
  ["a number without the bounds of zod's", z.int(), {
    type: "integer",
    format: "int64",
  }],
  ["a number or a text", z.union([z.string(), z.int()]).nullish(), {
    "x-kubernetes-int-or-string": true,
    nullable: true,
  }],
  ["a value of any kind", z.unknown(), KEEPS],
  ["a map", z.record(z.string(), z.string().nullable()), {
    type: "object",
    additionalProperties: { type: "string", nullable: true },
  }],
  [
    "a part that is used by name, with what is said of its use",
    z.array(
      z.strictObject({ a: z.boolean() })
        .meta({ id: "Part", description: "a part" }),
    ).nullish().describe("parts"),
    {
      description: "parts",
      type: "array",
      nullable: true,
      items: {
        description: "a part",
        type: "object",
        properties: { a: { type: "boolean" } },
        required: ["a"],
        ...KEEPS,
      },
    },
  ],
];

for (const [name, schema, wanted] of CASES) {
  Deno.test(`structural() writes ${name}`, () => {
    assertEquals({ ...structural(schema) }, wanted);
  });
}

Deno.test("structural() refuses what a structural schema cannot say, and names the place", () => {
  const schema = z.strictObject({
    a: z.array(z.union([z.string(), z.boolean()])),
  });
  assertThrows(() => structural(schema), /^TypeError: \.a\[\]: .*string/);
});
