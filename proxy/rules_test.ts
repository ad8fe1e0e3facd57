/** Rules that are looked up by their texts are those that would be found one by one. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { defineParser, nop, type ParserDefinition, z } from "parley/proxylib";
import cassandra from "../parsers/cassandra/mod.ts";
import memcache from "../parsers/memcache/mod.ts";
import r2d2 from "../parsers/r2d2.ts";
import type { Compiled } from "./rules.ts";
import { Rules } from "./rules.ts";

type Raw = Readonly<Record<string, string>>;

function compiled(definition: ParserDefinition, raw: readonly Raw[]) {
  return raw.map((rule, at): Compiled => ({
    decision: { allowed: true, verdict: "forwarded", rule: String(at) },
    ...(Object.keys(rule).length > 0
      ? { rule: { value: definition.rule.parse(rule) } }
      : {}),
  }));
}

const word = fc.constantFrom("a", "ab", "abc", "b", "/public/x", "/x", "a.b");
const regex = fc.constantFrom(
  "^a",
  "^ab?c",
  "^ab",
  "^a*b",
  "^/public/.*",
  "b$",
  "^(a|b)$",
  "a|^b",
  "(?i)^A",
  "^a\\.b",
  "^a\\.*b",
  "^ab$",
  "^a\\.b$",
);

const PROTOCOLS: {
  name: string;
  definition: ParserDefinition;
  rule: fc.Arbitrary<Raw>;
  fields: fc.Arbitrary<Record<string, string[]>>;
}[] = [
  {
    name: "memcache",
    definition: memcache,
    rule: fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.constant({ command: "" }) },
      {
        weight: 30,
        arbitrary: fc.record({
          command: fc.constantFrom(
            "get",
            "set",
            "delete",
            "flush_all",
            "storage",
          ),
          keyExact: word,
          keyPrefix: word,
          keyRegex: regex,
        }, { requiredKeys: ["command"] }),
      },
    ),
    fields: fc.record({
      command: fc.constantFrom("get", "gets", "set", "flush_all", "stats", "mg")
        .map((name) => [name]),
      keys: fc.array(word, { maxLength: 2 }),
    }),
  },
  {
    name: "r2d2",
    definition: r2d2,
    rule: fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      {
        weight: 20,
        arbitrary: fc.record({
          cmd: fc.constantFrom("READ", "WRITE", ""),
          file: regex,
        }, { requiredKeys: [] }),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom({ cmd: "HALT" }, { cmd: "RESET" }),
      },
    ),
    fields: fc.record({
      cmd: fc.constantFrom("READ", "WRITE", "HALT", "JUMP").map((cmd) => [cmd]),
      file: word.map((file) => [file]),
    }),
  },
  {
    name: "cassandra",
    definition: {
      ...cassandra,
      fromFields: ({ use, ...texts }) => ({
        ...cassandra.fromFields!(texts),
        ...(texts.query_action![0] === "use" ? { use: use![0] } : {}),
      }),
    },
    rule: fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      {
        weight: 20,
        arbitrary: fc.record({
          query_action: fc.constantFrom("select", "insert", "use", ""),
          query_table: regex,
        }, { requiredKeys: [] }),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          { query_action: "create-role" },
          { query_action: "drop-keyspace" },
        ),
      },
    ),
    fields: fc.record({
      query_action: fc.constantFrom(
        ["select"],
        ["insert"],
        ["use"],
        ["create-role"],
        ["drop-keyspace"],
        ["unknown"],
        [],
      ),
      query_table: fc.array(word, { maxLength: 2 }),
      use: fc.constantFrom("lenient", "strict", "named").map((use) => [use]),
      opcode: fc.constantFrom(["query"], ["options"]),
    }),
  },
];

for (const { name, definition, rule, fields } of PROTOCOLS) {
  Deno.test(`Rules finds the first rule of ${name} that covers a request`, () => {
    const { index, ...plain } = definition;
    assert(index);
    let found = 0;
    const many = fc.array(rule, { minLength: 9, maxLength: 120 });
    const asked = fc.array(fields, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(many, asked, (raw, asked) => {
        const rules = compiled(definition, raw);
        const [filed, one] = [definition, plain].map((definition) => {
          return new Rules(definition, rules);
        });
        for (const given of [...asked, ...asked]) {
          const request = definition.fromFields!(given);
          const want = one!.find(definition, request);
          assertEquals(filed!.find(definition, request), want);
          if (want) found++;
        }
      }),
      { numRuns: 300, seed: 8 },
    );
    assert(found > 500, `only ${found} were covered`);
  });
}

/** Rules name a word, or the end of one; counts how often one is asked. */
function counting() {
  let asked = 0;
  const definition = defineParser({
    description: "words",
    rule: z.strictObject({
      word: z.string().optional(),
      end: z.string().optional(),
    }),
    matches({ word, end }, request: string) {
      asked++;
      return word === request || (end !== undefined && request.endsWith(end));
    },
    index: {
      file: ({ word }) => word === undefined ? {} : { exact: word },
      group: () => "",
      text: (request) => request,
      alike: (request) => request,
    },
    create: () => ({ onData: nop }),
  });
  return {
    definition,
    asked(request: string, rules: Rules) {
      asked = 0;
      rules.find(definition, request);
      return asked;
    },
  };
}

Deno.test("Rules asks no more of 10,000 rules than of one", () => {
  const { definition, asked } = counting();
  const words = Array.from({ length: 10_000 }, (_, i) => ({ word: `${i}` }));
  const rules = new Rules(definition, compiled(definition, words));
  assertEquals(asked("9999", rules), 1);
  assertEquals(asked("none", rules), 0);
});

Deno.test("Rules asks what it cannot look up once for each kind of request", () => {
  const { definition, asked } = counting();
  const ends = Array.from({ length: 10_000 }, (_, i) => ({ end: `-${i}` }));
  const rules = new Rules(definition, compiled(definition, ends));
  assertEquals(asked("x-9999", rules), 10_000);
  assertEquals(asked("x-9999", rules), 10_000); // was not known to be costly
  assertEquals(asked("x-9999", rules), 0);
});
