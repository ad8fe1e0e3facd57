/**
 * Watches files and folders.
 *
 * @module
 */
import { resolve } from "node:path";

/** Editors and `kubectl` change several files at once: wait for quiet. */
const DEBOUNCE_MS = 50;
/** A missed event, or a folder that came later, is noticed by then. */
const RESCAN_MS = 5000;

/** A running watch. */
export interface Watch {
  close(): Promise<void>;
}

/**
 * Calls `changed` after something happened below the paths; never two calls at
 * a time, none after `close`. `changed` must not throw.
 */
export function watch(
  paths: readonly string[],
  changed: () => Promise<void>,
): Watch {
  const open = new Map<
    string,
    { watcher: Deno.FsWatcher; over: Promise<void> }
  >();
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function run(): void {
    clearTimeout(timer);
    timer = undefined;
    if (running) {
      again = true;
      return;
    }
    look();
    running = changed().finally(() => {
      running = undefined;
      if (again) schedule();
      again = false;
    });
  }
  function schedule(): void {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(run, DEBOUNCE_MS);
  }

  /** Watches each path that is there and not watched, if the system lets us; the rescan covers the rest. */
  function look(): void {
    for (const path of paths) {
      if (open.has(path)) continue;
      try {
        const watcher = Deno.watchFs(path);
        open.set(path, { watcher, over: follow(path, watcher) });
      } catch { /* not there, or no watches left */ }
    }
  }
  async function follow(path: string, watcher: Deno.FsWatcher): Promise<void> {
    const root = resolve(path);
    for await (const { kind, paths } of watcher) {
      if (kind !== "access") schedule();
      // A watch is on what had the name: whatever has it next is looked for anew.
      if (GONE.has(kind) && paths.includes(root)) break;
    }
    open.delete(path);
  }

  look();
  // Not `schedule`: a folder that is never quiet is read all the same.
  const rescan = setInterval(run, RESCAN_MS);

  return {
    async close() {
      closed = true;
      clearInterval(rescan);
      clearTimeout(timer);
      const watches = [...open.values()];
      for (const { watcher } of watches) watcher.close();
      await Promise.all(watches.map(({ over }) => over));
      await running;
    },
  };
}

/** Events after which a watched name belongs to something else. */
const GONE: ReadonlySet<string> = new Set(["remove", "rename"]);
