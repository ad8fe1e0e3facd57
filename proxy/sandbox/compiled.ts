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
import { cacheFolder, CACHES } from "./caches.ts";
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
  const draft = await Deno.makeTempDir({ dir: folder });
  try {
    await Promise.all([folder, draft].map(linkCaches));
    for (const { href } of entries) await learn(draft, [...commandLine, href]);
    for (const name of seal(draft)) {
      // The database last: its log and its index are empty, whichever they are.
      for (const end of FILES) {
        await Deno.rename(`${draft}/${name}${end}`, `${folder}/${name}${end}`);
      }
    }
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
}

async function linkCaches(folder: string): Promise<void> {
  const cache = cacheFolder();
  for (const name of CACHES) {
    try {
      await Deno.symlink(`${cache}/${name}`, `${folder}/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
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
