/**
 * Which test files there are, and which of them run in one process.
 *
 * @module
 */

/** As `deno test` finds them (https://docs.deno.com/runtime/fundamentals/testing/). */
const TEST_FILE = /(?:^|[._])test\.(?:ts|tsx|mts|js|mjs|jsx)$/;

/** Parts whose files take long: they come first, so that none is left over for the end. */
const SLOW = ["tests/", "cli/"];

/** A process costs its start; with many files in one the others wait for it at the end. */
const FILES_MAX = 8;

/** The test files at paths, which are files or folders, without those below `ignored`. */
export async function findTests(
  paths: readonly string[],
  ignored: readonly string[],
): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) await visit(withoutEnds(path), ignored, found);
  return [...found].sort();
}

async function visit(
  path: string,
  ignored: readonly string[],
  found: Set<string>,
): Promise<void> {
  if (ignored.includes(path)) return;
  if ((await Deno.stat(path)).isFile) {
    found.add(path);
    return;
  }
  for await (const { name, isFile, isDirectory } of Deno.readDir(path)) {
    const isWanted = isFile
      ? TEST_FILE.test(name)
      : isDirectory && !name.startsWith(".") && name !== "node_modules";
    const inside = path === "." ? name : `${path}/${name}`;
    if (isWanted) await visit(inside, ignored, found);
  }
}

/** `./tests/` is `tests`. */
export function withoutEnds(path: string): string {
  return path.replace(/^\.\/(?=.)/, "").replace(/(?<=.)\/+$/, "");
}

/** The files of each process, in the order in which they are run. */
export function batchesOf(files: readonly string[]): string[][] {
  const rank = (file: string) => {
    const place = SLOW.findIndex((part) => file.startsWith(part));
    return place < 0 ? SLOW.length : place;
  };
  const ordered = files.toSorted((one, other) => rank(one) - rank(other));
  // Of few files each of the two processes has its half.
  const size = Math.min(FILES_MAX, Math.ceil(ordered.length / 2));
  const batches: string[][] = [];
  for (let i = 0; i < ordered.length; i += size) {
    batches.push(ordered.slice(i, i + size));
  }
  return batches;
}
