/**
 * Does once what every start would wait for: the runtime gets all modules of
 * sandboxed programs into its cache (they cannot write there themselves, and the
 * runtime tries to for 0.15 s a module) and compiles them, and the built-in
 * parsers are staged.
 *
 * @module
 */
import { prestage, prestagedFolder } from "./prestaged.ts";
import { cacheFolder, compiledFolder, placeOf } from "./caches.ts";
import { LAUNCHER, runtimeArguments } from "./spawn.ts";

/** Sources that a sandboxed program is made of, from the program's root. */
const SOURCES = [
  ...["deno.json", "deno.lock", "proxy", "policy", "proxylib", "parsers"],
];

/** What is to be prepared. */
export interface Programs {
  readonly entries: readonly URL[];
  /** Path of the `deno.json` at the root of the sources. */
  readonly config: string;
}

/** Fills the cache. @throws {Error} with the runtime's own words */
export async function prepareSandbox(
  { entries, config }: Programs,
): Promise<void> {
  const urls = [...entries, LAUNCHER].map(({ href }) => href);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", `--config=${config}`, ...urls],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}

/** Has the runtime parse and compile what the programs are made of. */
async function compilePrograms({ entries, config }: Programs): Promise<void> {
  // Loaded here: a start that finds all done needs none of it.
  const { compile } = await import("./compiled.ts");
  await compile(entries, compiledFolder(config), runtimeArguments(config));
}

/**
 * Fills the cache if a source has changed since this was done last. Where the
 * cache cannot be written to, as in an image, it was filled when that was made.
 */
export async function prepareOnce(programs: Programs): Promise<void> {
  const root = programs.config.slice(0, programs.config.lastIndexOf("/"));
  const stamp = `${cacheFolder()}/parley-prepared${
    placeOf(programs.config)
  }.txt`;
  const newest = newestOf(SOURCES.map((name) => `${root}/${name}`));
  const made = `${newest} ${Deno.version.deno}`; // another runtime has other caches
  try {
    if (Deno.readTextFileSync(stamp) === made) return;
  } catch { /* it was never done */ }
  try {
    Deno.writeTextFileSync(stamp, "");
  } catch {
    return; // not ours to fill
  }
  await prepareSandbox(programs);
  await compilePrograms(programs);
  await prestage(`${root}/parsers`, prestagedFolder(programs.config));
  Deno.writeTextFileSync(stamp, made);
}

/** When the newest of these files was changed, in milliseconds since the epoch. */
function newestOf(paths: readonly string[]): number {
  let newest = 0;
  for (const path of paths) {
    const { isDirectory, mtime } = Deno.statSync(path);
    if (!isDirectory) newest = Math.max(newest, mtime?.getTime() ?? 0);
    else {
      const inside = [...Deno.readDirSync(path)]
        .map(({ name }) => `${path}/${name}`);
      newest = Math.max(newest, newestOf(inside));
    }
  }
  return newest;
}
