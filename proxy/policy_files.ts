/**
 * Reads policy files from disk.
 *
 * @module
 */
import { ParleyError } from "../proxylib/error.ts";
import type { Source } from "../policy/mod.ts";

/** No policy file is longer. */
export const FILE_MAX = 64 * 1024 * 1024;
const POLICY_FILE = /\.(ya?ml|json)$/i;

/**
 * The texts of files, and of all `*.yaml`, `*.yml` and `*.json` below folders;
 * names that begin with a dot are left out, as a mounted ConfigMap has some.
 *
 * @throws {ParleyError} when a path is not there or may not be read
 */
export async function readPolicyFiles(
  paths: readonly string[],
): Promise<Source[]> {
  const files: string[] = [];
  for (const path of paths) files.push(...await filesOf(path));
  return await Promise.all(
    [...new Set(files)].map(async (file) => ({
      file,
      text: await orExplain(file, () => readText(file)),
    })),
  );
}

/** A pipe would be waited for, and a device read for ever. */
async function readText(file: string): Promise<string> {
  const { isFile, size } = await Deno.stat(file);
  if (!isFile) throw new Error("it is not a regular file");
  if (size > FILE_MAX) throw new Error(`it has more than ${FILE_MAX} bytes`);
  return await Deno.readTextFile(file);
}

async function filesOf(path: string): Promise<string[]> {
  const { isDirectory } = await orExplain(path, () => Deno.stat(path));
  return isDirectory ? await filesBelow(path) : [path];
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await Array.fromAsync(Deno.readDir(folder));
  for (const { name } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (name.startsWith(".")) continue;
    const path = `${folder.replace(/\/$/, "")}/${name}`;
    const { isDirectory } = await orExplain(path, () => Deno.stat(path));
    if (isDirectory) files.push(...await filesBelow(path));
    else if (POLICY_FILE.test(name)) files.push(path);
  }
  return files;
}

async function orExplain<T>(where: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new ParleyError("Cannot read the policy", {
      blame: "operator",
      where,
      found: cause instanceof Error ? cause.message : String(cause),
      mend: "name a file or folder that exists and may be read",
    }, { cause });
  }
}
