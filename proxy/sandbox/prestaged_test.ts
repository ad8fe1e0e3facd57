/** Parsers that are staged before they are needed. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { stageParser } from "../checker/stage_parser.ts";
import { discover, textsOf } from "../registry/discover.ts";
import { prestage, readPrestaged } from "./prestaged.ts";

/** Runs with a folder of parsers, and one for what is staged of them. */
async function withFolders(
  run: (folder: string, prestaged: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "parley-test-" });
  try {
    await Deno.mkdir(`${root}/parsers/folder`, { recursive: true });
    await run(`${root}/parsers`, `${root}/prestaged`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("what was staged before is what the stager makes of the same content", () =>
  withFolders(async (folder, prestaged) => {
    await Deno.writeTextFile(
      `${folder}/folder/mod.ts`,
      'import { x } from "./x.ts";\nexport default (): number => x;\n',
    );
    await Deno.writeTextFile(
      `${folder}/folder/x.ts`,
      "export const x: number = 1;\n",
    );
    await prestage(folder, prestaged);
    const [source] = await discover(folder);
    const staged = stageParser(source!, await textsOf(folder));
    assertEquals(await readPrestaged(prestaged, source!), staged.files);
  }));

Deno.test("of another content nothing was staged, nor of what cannot be", () =>
  withFolders(async (folder, prestaged) => {
    await Deno.writeTextFile(`${folder}/a.ts`, "export default 1;\n");
    await Deno.writeTextFile(`${folder}/b.ts`, "export default ;;(\n");
    await prestage(folder, prestaged);
    await Deno.writeTextFile(`${folder}/a.ts`, "export default 2;\n");
    for (const source of await discover(folder)) {
      assertEquals(await readPrestaged(prestaged, source), undefined);
    }
  }));

Deno.test("to stage again takes the place of all that was there", () =>
  withFolders(async (folder, prestaged) => {
    await Deno.writeTextFile(`${folder}/a.ts`, "export default 1;\n");
    await prestage(folder, prestaged);
    const [old] = await discover(folder);
    await Deno.writeTextFile(`${folder}/a.ts`, "export default 2;\n");
    await prestage(folder, prestaged);
    assertEquals(await readPrestaged(prestaged, old!), undefined);
    const [now] = await discover(folder);
    assertEquals(
      Object.keys((await readPrestaged(prestaged, now!))!).length,
      1,
    );
  }));

Deno.test("a file that is damaged counts as none", () =>
  withFolders(async (folder, prestaged) => {
    await Deno.writeTextFile(`${folder}/a.ts`, "export default 1;\n");
    await prestage(folder, prestaged);
    const [source] = await discover(folder);
    for await (const { name } of Deno.readDir(prestaged)) {
      await Deno.writeTextFile(`${prestaged}/${name}`, "{");
    }
    assertEquals(await readPrestaged(prestaged, source!), undefined);
  }));
