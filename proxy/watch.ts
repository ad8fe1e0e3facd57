/**
 * Watches files and folders.
 *
 * @module
 */

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
 * a time. `changed` must not throw.
 */
export function watch(
  paths: readonly string[],
  changed: () => Promise<void>,
): Watch {
  const watchers = paths.flatMap(open);
  let running: Promise<void> | undefined;
  let again = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function run(): void {
    timer = undefined;
    if (running) {
      again = true;
      return;
    }
    running = changed().finally(() => {
      running = undefined;
      if (again) schedule();
      again = false;
    });
  }
  function schedule(): void {
    clearTimeout(timer);
    timer = setTimeout(run, DEBOUNCE_MS);
  }

  const events = watchers.map(async (watcher) => {
    for await (const { kind } of watcher) if (kind !== "access") schedule();
  });
  const rescan = setInterval(schedule, RESCAN_MS);

  return {
    async close() {
      clearInterval(rescan);
      for (const watcher of watchers) watcher.close();
      await Promise.all(events);
      clearTimeout(timer);
      await running;
    },
  };
}

/** Watches a path, if it is there and the system lets us; the rescan covers the rest. */
function open(path: string): Deno.FsWatcher[] {
  try {
    return [Deno.watchFs(path)];
  } catch {
    return [];
  }
}
