/** The file sink, on real files. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { ParleyError } from "parley/proxylib";
import { fileSink } from "./sinks.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley log " });
  await run(folder);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("fileSink() appends to what is there", () =>
  inFolder(async (folder) => {
    const file = `${folder}/access.log`;
    await Deno.writeTextFile(file, "yesterday\n");
    const sink = fileSink(file);
    await sink.write(encode("today\n"));
    sink.close();
    assertEquals(await Deno.readTextFile(file), "yesterday\ntoday\n");
  }));

Deno.test("fileSink() follows a rotation when it is reopened, not before", () =>
  inFolder(async (folder) => {
    const file = `${folder}/access.log`;
    const sink = fileSink(file);
    await sink.write(encode("one\n"));
    await Deno.rename(file, `${file}.1`);
    await sink.write(encode("two\n"));
    sink.reopen();
    await sink.write(encode("three\n"));
    sink.close();
    assertEquals(await Deno.readTextFile(`${file}.1`), "one\ntwo\n");
    assertEquals(await Deno.readTextFile(file), "three\n");
  }));

Deno.test("fileSink() makes a file that others cannot write", () =>
  inFolder(async (folder) => {
    fileSink(`${folder}/access.log`).close();
    const { mode } = await Deno.stat(`${folder}/access.log`);
    assertEquals(mode! & 0o027, 0);
  }));

Deno.test("fileSink() in a folder that is not there is the operator's error", () =>
  inFolder((folder) => {
    const file = `${folder}/none/access.log`;
    assertThrows(() => fileSink(file), (error: unknown) => {
      assert(error instanceof ParleyError);
      assertEquals(error.fault.where, file);
      assertEquals(error.fault.blame, "operator");
      return true;
    });
    return Promise.resolve();
  }));
