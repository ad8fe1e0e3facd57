/** Which files of a policy folder are read. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { ParleyError } from "parley/proxylib";
import { readPolicyFiles } from "./policy_files.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley policies " });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes files that hold their own path. */
async function fill(folder: string, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    const file = `${folder}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, path);
  }
}

Deno.test("readPolicyFiles() reads YAML and JSON below a folder, in order, and nothing else", () =>
  inFolder(async (folder) => {
    await fill(
      folder,
      "b.yml",
      "a.yaml",
      "c.json",
      "d.YAML",
      "sub/deep/d.yaml",
      ".hidden.yaml",
      "..data/e.yaml",
      "README.md",
      "a.yaml.bak",
      "yaml",
    );
    const sources = await readPolicyFiles([folder]);
    assertEquals(
      sources,
      ["a.yaml", "b.yml", "c.json", "d.YAML", "sub/deep/d.yaml"].map((
        text,
      ) => ({
        file: `${folder}/${text}`,
        text,
      })),
    );
  }));

Deno.test("readPolicyFiles() reads a file that is named, whatever its ending", () =>
  inFolder(async (folder) => {
    await fill(folder, "policy.txt");
    const [source] = await readPolicyFiles([`${folder}/policy.txt`]);
    assertEquals(source!.text, "policy.txt");
  }));

Deno.test("readPolicyFiles() reads once what is named twice, and keeps the order of the paths", () =>
  inFolder(async (folder) => {
    await fill(folder, "a.yaml", "b.yaml");
    const sources = await readPolicyFiles([
      `${folder}/b.yaml`,
      folder,
      `${folder}/`,
    ]);
    assertEquals(sources.map(({ text }) => text), ["b.yaml", "a.yaml"]);
  }));

Deno.test("readPolicyFiles() follows the links of a mounted ConfigMap", () =>
  inFolder(async (folder) => {
    await fill(folder, "..2026_1/p.yaml");
    await Deno.symlink("..2026_1", `${folder}/..data`);
    await Deno.symlink("..data/p.yaml", `${folder}/p.yaml`);
    const sources = await readPolicyFiles([folder]);
    assertEquals(sources, [{
      file: `${folder}/p.yaml`,
      text: "..2026_1/p.yaml",
    }]);
  }));

Deno.test("readPolicyFiles() of nothing is nothing", async () => {
  assertEquals(await readPolicyFiles([]), []);
  await inFolder(async (folder) =>
    assertEquals(await readPolicyFiles([folder]), [])
  );
});

for (
  const { name, path, make } of [
    {
      name: "a path that is not there",
      path: "none",
      make: () => Promise.resolve(),
    },
    {
      name: "a link in a folder that leads nowhere",
      path: "p.yaml",
      make: (folder: string) => Deno.symlink("nowhere", `${folder}/p.yaml`),
    },
  ]
) {
  Deno.test(`readPolicyFiles() says where ${name} is: less policy is not read in silence`, () =>
    inFolder(async (folder) => {
      await fill(folder, "good.yaml");
      await make(folder);
      const paths = [folder, `${folder}/${path}`];
      await assertRejects(readPolicyFiles(paths), (error: unknown) => {
        assert(error instanceof ParleyError);
        assertEquals(error.fault.where, `${folder}/${path}`);
        assertEquals(error.fault.blame, "operator");
        return true;
      });
    }));
}
