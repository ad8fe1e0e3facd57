/** Parsers that do not load: what their author is told, and what serves meanwhile. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  strictEqual as assertSame,
} from "node:assert/strict";
import {
  brief,
  Folders,
  IMPORTING,
  parserSource,
  refusal,
  serving,
  words,
} from "./folders_test.ts";

const BROKEN: readonly {
  readonly name: string;
  readonly source: string;
  /** Where in the file, as `:line:column`. */
  readonly at: string;
  readonly says: RegExp;
}[] = [
  {
    name: "a syntax error",
    source: "export default {\n  description: 'x',\n  matches(: 1,\n};\n",
    at: ":3:11",
    says: /expected/i,
  },
  {
    name: "a string that does not end",
    source: "// first\nconst text = 'no end;\n",
    at: ":2:14",
    says: /[Uu]nterminated/,
  },
  {
    name: "a module that throws",
    source: "const a = 1;\nthrow new Error(`no table for ${a}`);\n",
    at: ":2:7",
    says: /no table for 1/,
  },
  {
    name: "a module that throws in a function",
    source: "function f() {\n  return null.x;\n}\nf();\n",
    at: ":2:15",
    says: /null/,
  },
  {
    name: "an import that is not there",
    source: 'import { x } from "./missing.ts";\nexport default x;\n',
    at: ":1:19",
    says: /missing\.ts/,
  },
  {
    name: "a name that proxylib has not",
    source:
      '\nimport { linee } from "parley/proxylib";\nexport default linee;\n',
    at: ":2:10",
    says: /linee/,
  },
];

for (const folder of ["parsers", "odd (100%) näme"]) {
  for (const { name, source, at, says } of BROKEN) {
    Deno.test(`${name} is refused with the author's own line, in ${folder}`, async () => {
      await using folders = await Folders.make(folder);
      const file = `${folders.root}/a.ts`;
      await folders.write("a.ts", source);
      const registry = folders.registry();
      const error = refusal(await registry.scan());
      assert(error.includes(`${file}${at}:`), error);
      assertMatch(error, says);
      assertEquals(registry.get("a"), undefined);
      assertEquals(registry.names(), ["a"]);
      assertEquals(await registry.scan(), [], "it is reported once");
    });

    Deno.test(`${name} in a changed file is refused with the author's own line, and the old version serves, in ${folder}`, async () => {
      await using folders = await Folders.make(folder);
      await folders.write("a.ts", parserSource("good"));
      const registry = folders.registry();
      await registry.scan();
      const good = registry.get("a");
      await folders.write("a.ts", source);
      const error = refusal(await registry.scan());
      assert(error.includes(`${folders.root}/a.ts${at}:`), error);
      assert(!error.includes("parley-parsers-"), error);
      assertMatch(error, says);
      assertMatch(error, /last good version serves/);
      assertSame(registry.get("a"), good);
      const [status] = registry.status();
      assertEquals([status!.version, status!.refused], [good!.version, error]);
      // Mended, it serves, and nothing is held against it.
      await folders.write("a.ts", parserSource("mended"));
      assertEquals(brief(await registry.scan()), ["loaded a"]);
      assertEquals(registry.status()[0]!.refused, undefined);
    });
  }
}

Deno.test("an error in a file that mod.ts imports is placed in that file, first and later", async () => {
  await using folders = await Folders.make();
  await folders.write("a/mod.ts", IMPORTING);
  await folders.write("a/words.ts", "\n\nexport const words = ;\n");
  const registry = folders.registry();
  const where = `${folders.root}/a/words.ts:3:22`;
  const first = refusal(await registry.scan());
  assert(first.includes(where), first);
  await folders.write("a/words.ts", words("good"));
  await registry.scan();
  await folders.write("a/words.ts", "// more\n\nexport const words = ;\n");
  const later = refusal(await registry.scan());
  assert(later.includes(where), later);
  assertEquals(serving(registry), { a: "good" });
});

Deno.test("an error behind a link is placed in the file that the author names", async () => {
  await using folders = await Folders.make();
  await folders.write("..1/a.ts", "\nthrow new Error('in vain');\n");
  await Deno.symlink("..1", `${folders.root}/..data`);
  await Deno.symlink("..data/a.ts", `${folders.root}/a.ts`);
  const error = refusal(await folders.registry().scan());
  assert(error.includes(`${folders.root}/a.ts:2:7`), error);
});

const SHAPES: readonly {
  readonly name: string;
  readonly source: string;
  readonly missing: readonly string[];
}[] = [
  {
    name: "no default export",
    source: "export const x = 1;\n",
    missing: ["no default export"],
  },
  {
    name: "null",
    source: "export default null;\n",
    missing: ["no default export"],
  },
  {
    name: "a function",
    source: "export default () => {};\n",
    missing: ["no default export"],
  },
  {
    name: "an empty object",
    source: "export default {};\n",
    missing: ["description", "rule", "matches", "create"],
  },
  {
    name: "members of other types",
    source:
      "export default { description: 1, rule: {}, matches: true, create: 'x' };\n",
    missing: ["description", "rule", "matches", "create"],
  },
  {
    name: "one member missing",
    source:
      "export default { description: 'x', rule: { safeParse() {} }, matches() {} };\n",
    missing: ["create"],
  },
];

for (const { name, source, missing } of SHAPES) {
  Deno.test(`a default export that is ${name} is refused, naming what is missing`, async () => {
    await using folders = await Folders.make();
    await folders.write("a.ts", source);
    const error = refusal(await folders.registry().scan());
    assert(error.includes(`${folders.root}/a.ts`), error);
    for (const word of missing) assert(error.includes(word), error);
    for (const word of ["description", "rule", "matches", "create"]) {
      const named = error.includes(`"${word}"`);
      assertEquals(named, missing.includes(word), `${word} in ${error}`);
    }
  });
}

for (
  const { name, make } of [
    {
      name: "a link that leads nowhere",
      make: (path: string) => Deno.symlink("nowhere.ts", path),
    },
    {
      name: "a folder named like a file",
      make: (path: string) => Deno.mkdir(path),
    },
  ]
) {
  Deno.test(`${name} does not keep other parsers from loading`, async () => {
    await using folders = await Folders.make();
    await folders.write("good.ts", parserSource("good"));
    await make(`${folders.root}/bad.ts`);
    await folders.write("deep/mod.ts", parserSource("deep"));
    await make(`${folders.root}/deep/bad.ts`);
    const registry = folders.registry();
    await registry.scan();
    assertEquals(serving(registry).good, "good");
    await folders.write("good.ts", parserSource("better"));
    await registry.scan();
    assertEquals(serving(registry).good, "better");
  });
}

Deno.test("one parser's failure is no other's", async () => {
  await using folders = await Folders.make();
  await folders.write("a.ts", parserSource("a"));
  await folders.write("b.ts", "throw 'a text, not an error';\n");
  await folders.write("c.ts", parserSource("c"));
  const registry = folders.registry();
  const changes = await registry.scan();
  assertEquals(brief(changes), ["loaded a", "loaded c", "refused b"]);
  assertMatch(refusal(changes), /a text, not an error/);
});

Deno.test("a broken override leaves the built-in parser in service", async () => {
  await using folders = await Folders.make();
  await folders.write("in/a.ts", parserSource("built in"));
  const registry = folders.registry("in", "own");
  await registry.scan();
  await folders.write("own/a.ts", "syntax error here\n");
  refusal(await registry.scan());
  assertEquals(serving(registry), { a: "built in" });
});
