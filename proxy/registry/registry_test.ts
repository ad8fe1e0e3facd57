/** Which parsers are found, and which version of each serves. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  notStrictEqual as assertNotSame,
  ok as assert,
  strictEqual as assertSame,
} from "node:assert/strict";
import {
  brief,
  Folders,
  IMPORTING,
  parserSource,
  serving,
  words,
} from "./folders_test.ts";

Deno.test("files and folders are parsers; private files, tests, dot files and others are not", async () => {
  await using folders = await Folders.make();
  await folders.write("alone.ts", parserSource("alone"));
  await folders.write("folder/mod.ts", parserSource("folder"));
  await folders.write("folder/part.ts", "export const part = 1;\n");
  await folders.write("with-dash_2.ts", parserSource("dash"));
  for (
    const path of [
      "_private.ts",
      "alone_test.ts",
      ".hidden.ts",
      "..data/x.ts",
      "Upper.ts",
      "2nd.ts",
      "alone.vectors.jsonl",
      "script.js",
      "types.d.ts",
      "empty/part.ts",
      "folder/mod_test.ts",
    ]
  ) await folders.write(path, "throw new Error('must not be loaded');\n");
  const registry = folders.registry();
  const changes = await registry.scan();
  assertEquals(brief(changes), [
    "loaded alone",
    "loaded folder",
    "loaded with-dash_2",
  ]);
  assertEquals(registry.names(), ["alone", "folder", "with-dash_2"]);
});

Deno.test("a folder is the same with a slash behind its name", async () => {
  await using folders = await Folders.make();
  await folders.write("own/a.ts", parserSource("a"));
  const registry = folders.registry("own/");
  await registry.scan();
  assertEquals(registry.status()[0]!.file, `${folders.root}/own/a.ts`);
});

Deno.test("a folder that is not there has no parsers, and may come later", async () => {
  await using folders = await Folders.make();
  const registry = folders.registry("later");
  assertEquals(await registry.scan(), []);
  await folders.write("later/a.ts", parserSource("a"));
  assertEquals(brief(await registry.scan()), ["loaded a"]);
});

Deno.test("a later folder overrides a built-in parser, which returns when it is gone", async () => {
  await using folders = await Folders.make();
  await folders.write("in/a.ts", parserSource("built in"));
  await folders.write("in/b.ts", parserSource("untouched"));
  const registry = folders.registry("in", "own");
  await registry.scan();
  const builtIn = registry.get("a")!;

  await folders.write("own/a.ts", parserSource("mine"));
  assertEquals(brief(await registry.scan()), ["loaded a"]);
  assertEquals(serving(registry), { a: "mine", b: "untouched" });
  const status = registry.status()[0]!;
  assertEquals([status.name, status.builtIn], ["a", false]);
  assertEquals(status.file, `${folders.root}/own/a.ts`);

  await folders.remove("own/a.ts");
  assertEquals(brief(await registry.scan()), ["loaded a"]);
  assertSame(registry.get("a")!.definition, builtIn.definition);
  assertEquals(registry.status()[0]!.builtIn, true);
});

Deno.test("a changed file loads as a new version; the old definition stays usable", async () => {
  await using folders = await Folders.make();
  await folders.write("a.ts", parserSource("first"));
  const registry = folders.registry();
  await registry.scan();
  const first = registry.get("a")!;
  for (const turn of ["second", "third"]) {
    await folders.write("a.ts", parserSource(turn));
    const [change] = await registry.scan();
    assertEquals(change!.kind, "loaded");
    assertEquals(change!.version, registry.get("a")!.version);
    assertEquals(serving(registry), { a: turn });
  }
  assertNotSame(registry.get("a")!.version, first.version);
  assertMatch(first.version, /^[0-9a-f]{6}$/);
  assertEquals(first.definition.description, "first");
  assert(first.definition.rule.safeParse({}).success);
});

Deno.test("nothing is loaded again when nothing has changed", async () => {
  await using folders = await Folders.make();
  await folders.write("a.ts", parserSource("a"));
  const registry = folders.registry();
  await registry.scan();
  const { definition } = registry.get("a")!;
  await folders.write("a.ts", parserSource("a")); // saved, and the same
  assertEquals(await registry.scan(), []);
  assertSame(registry.get("a")!.definition, definition);
});

Deno.test("a former content is recognised: the same definition serves again", async () => {
  await using folders = await Folders.make();
  await folders.write("a.ts", parserSource("first"));
  const registry = folders.registry();
  await registry.scan();
  const first = registry.get("a")!;
  await folders.write("a.ts", parserSource("second"));
  await registry.scan();
  await folders.write("a.ts", parserSource("first"));
  await registry.scan();
  assertSame(registry.get("a"), first);
});

Deno.test("a change of a file that mod.ts imports counts, first and later", async () => {
  await using folders = await Folders.make();
  await folders.write("a/mod.ts", IMPORTING);
  for (const text of ["one", "two", "three"]) {
    await folders.write("a/words.ts", words(text));
    const registry = folders.registry();
    await registry.scan();
    await folders.write("a/words.ts", words(`${text} again`));
    assertEquals(brief(await registry.scan()), ["loaded a"]);
    assertEquals(serving(registry), { a: `${text} again` });
  }
});

Deno.test("a change of a test, or of another parser, is no change of a parser", async () => {
  await using folders = await Folders.make();
  await folders.write("a/mod.ts", parserSource("a"));
  await folders.write("b.ts", parserSource("b"));
  const registry = folders.registry();
  await registry.scan();
  await folders.write("a/mod_test.ts", "Deno.test('new', () => {});\n");
  assertEquals(await registry.scan(), []);
  await folders.write("b.ts", parserSource("b2"));
  assertEquals(brief(await registry.scan()), ["loaded b"]);
});

Deno.test("a parser that is removed serves no more, and its definition lives on", async () => {
  await using folders = await Folders.make();
  await folders.write("a.ts", parserSource("a"));
  const registry = folders.registry();
  await registry.scan();
  const { definition } = registry.get("a")!;
  await folders.remove("a.ts");
  assertEquals(brief(await registry.scan()), ["removed a"]);
  assertEquals(registry.get("a"), undefined);
  assertEquals(registry.names(), []);
  await folders.write("a.ts", parserSource("a"));
  assertEquals(brief(await registry.scan()), ["loaded a"]);
  assertSame(registry.get("a")!.definition, definition);
});

for (const name of ["a b", "100%25 x", "ü#?&+@", "(x) [y] $"]) {
  Deno.test(`parsers load, and load again, from a folder named ${name}`, async () => {
    await using folders = await Folders.make(name);
    await folders.write("a/mod.ts", IMPORTING);
    await folders.write("a/words.ts", words("first"));
    const registry = folders.registry();
    await registry.scan();
    assertEquals(serving(registry), { a: "first" });
    await folders.write("a/words.ts", words("second"));
    await registry.scan();
    assertEquals(serving(registry), { a: "second" });
  });
}

Deno.test("a swapped ConfigMap is a new version, and the old one back is the old one", async () => {
  await using folders = await Folders.make();
  const swap = async (to: string) => {
    await Deno.symlink(to, `${folders.root}/..data_tmp`);
    await Deno.rename(`${folders.root}/..data_tmp`, `${folders.root}/..data`);
  };
  await folders.write("..2026_1/a.ts", parserSource("first"));
  await swap("..2026_1");
  await Deno.symlink("..data/a.ts", `${folders.root}/a.ts`);
  const registry = folders.registry();
  assertEquals(brief(await registry.scan()), ["loaded a"]);
  const first = registry.get("a");

  await folders.write("..2026_2/a.ts", parserSource("second"));
  await swap("..2026_2");
  await folders.remove("..2026_1");
  assertEquals(brief(await registry.scan()), ["loaded a"]);
  assertEquals(serving(registry), { a: "second" });

  await folders.write("..2026_3/a.ts", parserSource("first"));
  await swap("..2026_3");
  await registry.scan();
  assertSame(registry.get("a"), first);
});

Deno.test("a parsers folder that is itself a link is followed to where it leads now", async () => {
  await using folders = await Folders.make();
  await folders.write("v1/a/mod.ts", IMPORTING);
  await folders.write("v1/a/words.ts", words("v1"));
  await folders.write("v2/a/mod.ts", IMPORTING);
  await folders.write("v2/a/words.ts", words("v2"));
  const link = `${folders.root}/current`;
  await Deno.symlink("v1", link);
  const registry = folders.registry(link);
  await registry.scan();
  assertEquals(serving(registry), { a: "v1" });
  await Deno.remove(link);
  await Deno.symlink("v2", link);
  await registry.scan();
  assertEquals(serving(registry), { a: "v2" });
});

Deno.test("close removes what was copied, and can be called twice", async () => {
  await using folders = await Folders.make();
  const before = copies();
  await folders.write("a.ts", parserSource("first"));
  const registry = folders.registry();
  await registry.scan();
  await folders.write("a.ts", parserSource("second"));
  await registry.scan();
  const made = copies().filter((name) => !before.includes(name));
  assertEquals(made.length, 1, "a changed parser is loaded from one copy");
  await registry.close();
  await registry.close();
  assert(!copies().includes(made[0]!));
});

function copies(): string[] {
  const folder = Deno.env.get("TMPDIR") ?? "/tmp";
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.startsWith("parley-parsers-"));
}

const TRAPS: readonly [name: string, set: (root: string) => Promise<void>][] = [
  ["a pipe", async (root) => {
    const made = await new Deno.Command("mkfifo", { args: [`${root}/trap.ts`] })
      .output();
    assertEquals(made.success, true);
  }],
  ["a link to itself", (root) => Deno.symlink("trap", `${root}/trap`)],
  ["a folder whose links lead in circles", async (root) => {
    await Deno.mkdir(`${root}/trap`);
    await Deno.writeTextFile(`${root}/trap/mod.ts`, "export default 1;\n");
    for (const name of ["a", "b"]) {
      await Deno.symlink(".", `${root}/trap/${name}`);
    }
  }],
  [
    "a definition whose members throw what has no text",
    (root) =>
      Deno.writeTextFile(
        `${root}/trap.ts`,
        "export default { get description() { throw Object.create(null); } };\n",
      ),
  ],
];

for (const [name, set] of TRAPS) {
  Deno.test({
    name: `${name} is refused alone, and the others are read`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using folders = await Folders.make();
      await folders.write("good.ts", parserSource("good"));
      await set(folders.root);
      const registry = folders.registry();
      const kinds = (await registry.scan()).map(({ name, kind }) =>
        `${name} ${kind}`
      );
      assertEquals(kinds.sort(), ["good loaded", "trap refused"]);
    },
  });
}
