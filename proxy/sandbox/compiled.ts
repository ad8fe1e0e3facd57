/**
 * What the runtime has learnt of the modules of sandboxed programs (what each
 * imports, and what V8 has compiled), in a folder of its own.
 *
 * The runtime keeps that in databases beside its cache. A sandboxed program may
 * not write there, so it would parse and compile everything at each start; and
 * what was compiled under other flags of V8 is no good to it, while the databases
 * hold one of each module. So it is learnt once, when the program is prepared,
 * under the flags that sandboxed programs have, and only read from then on.
 *
 * @module
 */
import { relative } from "node:path";
import { cacheFolder, CACHES, folderOf } from "./caches.ts";
import { FILES, seal } from "./databases.ts";

/**
 * Learns all of the modules of `entries` anew, and puts it in the place of what
 * was in `folder`: a cache for the runtime, whole with links to what it has loaded.
 *
 * @param commandLine what the runtime runs one of them with, but for its name
 */
export async function compile(
  entries: readonly URL[],
  folder: string,
  commandLine: readonly string[],
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  // Beside it, so that links lead to the same place from both.
  const draft = await Deno.makeTempDir({
    dir: folderOf(folder),
    prefix: "parley-compiling-",
  });
  try {
    for (const name of CACHES) {
      await Deno.symlink(linkTo(name, draft), `${draft}/${name}`);
    }
    for (const { href } of entries) await learn(draft, [...commandLine, href]);
    // A database last: its log and its index are empty, whichever they are.
    const files = seal(draft).flatMap((name) =>
      FILES.map((end) => `${name}${end}`)
    );
    for (const name of [...CACHES, ...files]) {
      await Deno.rename(`${draft}/${name}`, `${folder}/${name}`);
    }
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
}

/** Where a part of the runtime's cache is from a folder: the whole may be moved, or stand at another path for another user. */
function linkTo(name: string, folder: string): string {
  return relative(folder, `${cacheFolder()}/${name}`);
}

/**
 * Runs a program without any permission, and with nothing to do: all that it
 * imports is loaded, and it ends at the first thing that it may not do.
 */
async function learn(folder: string, args: readonly string[]): Promise<void> {
  await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { DENO_DIR: folder, DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
}
