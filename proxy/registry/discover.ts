/**
 * Finds parsers by name: `NAME.ts`, or `NAME/mod.ts` with the files it imports.
 *
 * @module
 */
import type { FolderTexts } from "../control/messages.ts";

/** A parser's source as it stands on disk. */
export interface ParserSource {
  readonly name: string;
  /** The parsers folder that holds it. */
  readonly folder: string;
  /** Path of the entry module, inside `folder`. */
  readonly entry: string;
  /** SHA-256 over the paths and contents of its files, in hex; empty if they cannot be read. */
  readonly hash: string;
  /** Why they cannot be read. */
  readonly unreadable?: string;
}

/** All parsers of a folder together are not longer. */
const FOLDER_MAX = 64 * 1024 * 1024;
const NAME = /^[a-z][a-z0-9_-]*$/;

/** All parsers of a folder, by name. A folder that is not there has none. */
export async function discover(folder: string): Promise<ParserSource[]> {
  const sources: ParserSource[] = [];
  for (const entry of await entries(folder)) {
    const name = entry.replace(/\.ts$/, "");
    if (!NAME.test(name)) continue; // NAME_test.ts, _private.ts, x.vectors.jsonl …
    if (name.endsWith("_test")) continue;
    const main = entry.endsWith(".ts") ? entry : `${entry}/mod.ts`;
    const found = await read(folder, main);
    if (found) sources.push({ name, folder, entry: main, ...found });
  }
  return sources.sort((a, b) => a.entry < b.entry ? -1 : 1);
}

/** One parser that cannot be read is no reason to do without the others. Nothing: it is no parser. */
async function read(
  folder: string,
  main: string,
): Promise<Pick<ParserSource, "hash" | "unreadable"> | undefined> {
  try {
    const files = await filesOf(folder, main);
    return files.includes(main)
      ? { hash: await hash(folder, files) }
      : undefined;
  } catch (error) {
    return { hash: "", unreadable: (error as Error).message };
  }
}

/** Where a parser's own vectors are, if it ships any: `NAME.vectors.jsonl` beside `NAME.ts`, or `vectors.jsonl` beside `NAME/mod.ts`. */
export function vectorsOf(entry: string): string {
  return entry.endsWith("/mod.ts")
    ? entry.replace(/mod\.ts$/, "vectors.jsonl")
    : entry.replace(/\.ts$/, ".vectors.jsonl");
}

/** The content hash of an entry module and the files of its own. */
export async function hashOf(folder: string, entry: string): Promise<string> {
  return await hash(folder, await filesOf(folder, entry));
}

/** `NAME.ts` stands alone; `NAME/mod.ts` has all modules below `NAME/`. */
async function filesOf(folder: string, entry: string): Promise<string[]> {
  const slash = entry.lastIndexOf("/");
  return slash < 0 ? [entry] : await modules(folder, entry.slice(0, slash));
}

/** The TypeScript files below a folder, tests left out, relative to `root`. */
export async function modules(root: string, folder = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await entries(`${root}/${folder}`)) {
    const path = folder === "" ? entry : `${folder}/${entry}`;
    if (entry.startsWith(".") || entry.endsWith("_test.ts")) continue;
    if (entry.endsWith(".ts")) found.push(path);
    else if (await isRealFolder(`${root}/${path}`)) {
      found.push(...await modules(root, path));
    }
  }
  return found.sort();
}

async function entries(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) =>
      name
    );
  } catch (error) {
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (none) return [];
    throw error;
  }
}

/** Links to folders are not followed: they may lead in circles. */
async function isRealFolder(path: string): Promise<boolean> {
  const there = await Deno.lstat(path).catch(() => undefined);
  return there?.isDirectory ?? false;
}

/** No parser is longer than this; a pipe or a device is no parser at all. */
const FILE_MAX = 16 * 1024 * 1024;

/** @throws {Error} when it is no regular file, or too long */
export async function readModule(
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { isFile, isDirectory, size } = await Deno.stat(path);
  if (!isFile && !isDirectory) throw new Error(`${path} is not a regular file`);
  if (size > FILE_MAX) {
    throw new Error(`${path} has ${size} bytes, more than ${FILE_MAX}`);
  }
  return await Deno.readFile(path);
}

async function hash(folder: string, files: readonly string[]): Promise<string> {
  const parts: BlobPart[] = [];
  for (const file of files) {
    const content = await readModule(`${folder}/${file}`);
    parts.push(`${file}\0${content.length}\0`, content);
  }
  const digest = await crypto.subtle.digest(
    "SHA-256",
    await new Blob(parts).arrayBuffer(),
  );
  return new Uint8Array(digest).toHex();
}

/** The modules of a folder, by their paths from it. */
export async function textsOf(folder: string): Promise<FolderTexts> {
  const texts: Record<string, string> = {};
  const decoder = new TextDecoder();
  let bytes = 0;
  for (const file of await modules(folder)) {
    if (bytes > FOLDER_MAX) break; // what is not read is reported by whoever imports it
    try {
      const content = await readModule(`${folder}/${file}`);
      bytes += content.length;
      texts[file] = decoder.decode(content);
    } catch { /* likewise */ }
  }
  return texts;
}
