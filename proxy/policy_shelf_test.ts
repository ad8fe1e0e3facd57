/** The folder of policies that were put in: whole at every instant. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { FILE_MAX } from "./policy_files.ts";
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

Deno.test("FolderShelf: links, pipes and folders are no texts, and are not followed or waited for", () =>
  withFolder(async (folder) => {
    const shelf = await FolderShelf.open(`${folder}/kept`);
    const outside = `${folder}/outside`;
    await Deno.writeTextFile(outside, "outside");
    for (const name of ["link", "fifo", "folder"]) {
      const path = shelf.fileOf(name);
      if (name === "link") await Deno.symlink(outside, path);
      else if (name === "folder") await Deno.mkdir(path);
      else await new Deno.Command("mkfifo", { args: [path] }).output();
      assertEquals(await shelf.get(name), undefined, name);
    }
    assertEquals(await shelf.names(), []);
    await Deno.symlink(outside, `${folder}/kept/.link.draft`);
    for (const name of ["link", "fifo"]) {
      await shelf.put(name, "put");
      assertEquals(await shelf.get(name), "put");
    }
    assertEquals(await Deno.readTextFile(outside), "outside");
  }));

Deno.test("FolderShelf: a text that is too long is not read", () =>
  withFolder(async (folder) => {
    const shelf = await FolderShelf.open(folder);
    await Deno.writeTextFile(shelf.fileOf("a"), "a\u{feff}é");
    assertEquals(await shelf.get("a"), "a\u{feff}é");
    await Deno.truncate(shelf.fileOf("a"), FILE_MAX + 1);
    await assertRejects(shelf.get("a"), /more than \d+ bytes/);
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
