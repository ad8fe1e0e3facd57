/**
 * Where the runtime keeps what it has loaded, and where our own stands beside it.
 *
 * @module
 */

/** Of the runtime's cache what programs are loaded from. The rest (stored data of other programs) is nobody's business. */
export const CACHES = ["npm", "remote", "gen"];

/** Where the runtime keeps what it has loaded (docs.deno.com, "DENO_DIR"). */
export function cacheFolder(): string {
  const own = Deno.env.get("DENO_DIR");
  if (own) return own;
  const caches = Deno.env.get("XDG_CACHE_HOME");
  return caches
    ? `${caches}/deno`
    : `${Deno.env.get("HOME") ?? ""}/.cache/deno`;
}

/** File names are 255 bytes long at most. */
const NAME_LENGTH = 60;

/** Names the program of a `deno.json` in files beside the runtime's cache. */
export function placeOf(config: string): string {
  return folderOf(config).replaceAll("/", "-").slice(-NAME_LENGTH);
}

/** Where the runtime finds what it has learnt of sandboxed programs; see `compiled.ts`. */
export function compiledFolder(config: string): string {
  return `${cacheFolder()}/parley-compiled${placeOf(config)}`;
}

/** Without `node:path`, which costs the supervisor 6 MB. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
