/**
 * Notices that something changed below paths, by what the system offers.
 *
 * @module
 */
import { Inotify, INOTIFY_SYMBOLS } from "./linux/inotify.ts";
import { openLibc } from "./linux/libc.ts";

/** A running watcher. It may miss changes, and tell of some that are none. */
export interface Watcher {
  /** Watches what is there of the paths and is not watched yet. */
  look(): void;
  /** Resolves when nothing is told any more. */
  close(): Promise<void>;
}

/** Calls `changed` when something happens below the paths that were looked at. */
export function openWatcher(
  paths: readonly string[],
  changed: () => void,
): Watcher {
  const hasLibc = Deno.build.os === "linux" &&
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
  return hasLibc
    ? new Inotify(openLibc(INOTIFY_SYMBOLS), paths, changed)
    : new RuntimeWatcher(paths, changed);
}

/** The runtime's own. */
class RuntimeWatcher implements Watcher {
  readonly #paths: readonly string[];
  readonly #changed: () => void;
  readonly #open = new Map<
    string,
    { watcher: Deno.FsWatcher; over: Promise<void> }
  >();

  constructor(paths: readonly string[], changed: () => void) {
    this.#paths = paths;
    this.#changed = changed;
  }

  look(): void {
    for (const path of this.#paths) {
      if (this.#open.has(path)) continue;
      try {
        const watcher = Deno.watchFs(path);
        this.#open.set(path, { watcher, over: this.#follow(path, watcher) });
      } catch { /* not there, or no watches left */ }
    }
  }

  async close(): Promise<void> {
    const watches = [...this.#open.values()];
    for (const { watcher } of watches) watcher.close();
    await Promise.all(watches.map(({ over }) => over));
  }

  async #follow(path: string, watcher: Deno.FsWatcher): Promise<void> {
    const root = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
    for await (const { kind, paths } of watcher) {
      if (kind !== "access") this.#changed();
      // A watch is on what had the name: whatever has it next is looked for anew.
      if (GONE.has(kind) && paths.includes(root)) break;
    }
    this.#open.delete(path);
  }
}

/** Events after which a watched name belongs to something else. */
const GONE: ReadonlySet<string> = new Set(["remove", "rename"]);
