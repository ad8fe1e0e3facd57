/** Programs whose modules are compiled before they start. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { cacheFolder } from "./caches.ts";
import { compile } from "./compiled.ts";
import type { Launch } from "./launch.ts";
import { LAUNCHER, runtimeArguments } from "./spawn.ts";

const ignore = Deno.build.os !== "linux";

/** A program of two modules, and a folder for what is learnt of them. */
async function withProgram(
  run: (program: string, folder: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "parley-test-" });
  try {
    await Deno.mkdir(`${root}/program`);
    await Deno.writeTextFile(`${root}/program/deno.json`, "{}");
    await Deno.writeTextFile(
      `${root}/program/main.ts`,
      'import { one } from "./one.ts";\nconsole.log("sum", one + 1);\n',
    );
    await Deno.writeTextFile(
      `${root}/program/one.ts`,
      "export const one: number = 1;\n",
    );
    await run(`${root}/program`, `${root}/compiled`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function entryOf(program: string): URL {
  return new URL(`file://${program}/main.ts`);
}

function learn(program: string, folder: string): Promise<void> {
  return compile(
    [entryOf(program)],
    folder,
    runtimeArguments(`${program}/deno.json`),
  );
}

/** Runs the program where it can write nothing; what it printed, and how many modules were found compiled and how many were not. */
async function runSandboxed(
  program: string,
  folder: string,
): Promise<{ said: string; found: number; compiled: number }> {
  const telling = runtimeArguments(`${program}/deno.json`)
    .filter((argument) => argument !== "--quiet");
  const environment = { DENO_DIR: folder, NO_COLOR: "1" };
  const plan: Launch = {
    parent: Deno.pid,
    program: Deno.execPath(),
    argv: ["program", ...telling, "--log-level=debug", entryOf(program).href],
    environment,
    read: [program, folder, cacheFolder()],
    connect: [],
    bind: [],
    inherit: [],
  };
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", LAUNCHER.href, JSON.stringify(plan)],
    stdin: "null",
  }).output();
  const told = new TextDecoder().decode(stderr);
  return {
    said: new TextDecoder().decode(stdout),
    found: told.match(/code cache hit/g)?.length ?? 0,
    compiled: told.match(/Updating V8 code cache/g)?.length ?? 0,
  };
}

Deno.test({
  name: "a sandboxed program compiles nothing that was compiled for it",
  ignore,
  fn: () =>
    withProgram(async (program, folder) => {
      await learn(program, folder);
      assertEquals(
        await runSandboxed(program, folder),
        { said: "sum 2\n", found: 2, compiled: 0 },
      );
    }),
});

Deno.test({
  name: "what is learnt again takes the place of what was learnt before",
  ignore,
  fn: () =>
    withProgram(async (program, folder) => {
      await learn(program, folder);
      await Deno.writeTextFile(
        `${program}/one.ts`,
        "export const one: number = 2;\n",
      );
      const changed = await runSandboxed(program, folder);
      assertEquals(changed, { said: "sum 3\n", found: 1, compiled: 1 });
      const files = namesIn(folder);
      await learn(program, folder);
      assertEquals(namesIn(folder), files, "nothing is left of the making");
      assertEquals(
        await runSandboxed(program, folder),
        { said: "sum 3\n", found: 2, compiled: 0 },
      );
    }),
});

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
