/** The folder of policies that were put in: whole at every instant. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { FolderShelf, MemoryShelf, POLICY_NAME } from "./policy_shelf.ts";

async function withFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .sort();
}

Deno.test("FolderShelf: whoever reads while a text changes sees the old one or the new one", () =>
  withFolder(async (folder) => {
    const shelf = await FolderShelf.open(folder);
    const texts = ["a", "b"].map((letter) => letter.repeat(500_000));
    await shelf.put("a", texts[0]!);
    let isOver = false;
    const changes = (async () => {
      for (let i = 1; i <= 40; i++) await shelf.put("a", texts[i % 2]!);
      isOver = true;
    })();
    while (!isOver) {
      const seen = await Deno.readTextFile(shelf.fileOf("a"));
      assert(texts.includes(seen), `${seen.length} characters`);
    }
    await changes;
    assertEquals(await names(folder), ["a.yaml"]);
  }));

Deno.test("FolderShelf: what cannot be written leaves the old text", () =>
  withFolder(async (folder) => {
    const shelf = await FolderShelf.open(folder);
    await shelf.put("a", "old");
    await Deno.mkdir(`${folder}/.a.draft/in-the-way`, { recursive: true });
    await assertRejects(shelf.put("a", "new"));
    assertEquals(await shelf.get("a"), "old");
  }));

Deno.test("FolderShelf: what a killed sidecar left is swept, and nothing else", () =>
  withFolder(async (folder) => {
    const kept = `${folder}/not/there/yet`;
    await FolderShelf.open(kept);
    for (const name of [".a.draft", "a.yaml", "b.json", ".hidden", "C.yaml"]) {
      await Deno.writeTextFile(`${kept}/${name}`, name);
    }
    const shelf = await FolderShelf.open(kept);
    assertEquals(await names(kept), [".hidden", "C.yaml", "a.yaml", "b.json"]);
    assertEquals(await shelf.names(), ["a"]);
    assertEquals(await shelf.get("b"), undefined);
    await shelf.delete("a");
    assertEquals(await shelf.names(), []);
  }));

Deno.test("MemoryShelf: its texts are sources, in the order of their names", async () => {
  const shelf = new MemoryShelf();
  await shelf.put("b", "2");
  await shelf.put("a", "1");
  assertEquals(shelf.sources(), [
    { file: "/v1/policies/a", text: "1" },
    { file: "/v1/policies/b", text: "2" },
  ]);
  await shelf.delete("a");
  assertEquals(await shelf.names(), ["b"]);
});

Deno.test("no name of a policy leads out of its folder", () => {
  for (const name of ["a", "a.b-c", "0", "a".repeat(63)]) {
    assert(POLICY_NAME.test(name), name);
  }
  for (
    const name of ["", ".", "..", "a/b", "../a", ".a", "a.", "A", "a\n", "a\0"]
  ) {
    assert(!POLICY_NAME.test(name), JSON.stringify(name));
  }
});
