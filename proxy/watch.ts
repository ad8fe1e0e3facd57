/**
 * Watches files and folders.
 *
 * @module
 */
import { openWatcher } from "./watcher.ts";

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
  const watcher = openWatcher(paths, schedule);
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
    watcher.look();
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

  watcher.look();
  // Not `schedule`: a folder that is never quiet is read all the same.
  const rescan = setInterval(run, RESCAN_MS);

  return {
    async close() {
      closed = true;
      clearInterval(rescan);
      clearTimeout(timer);
      await watcher.close();
      await running;
    },
  };
}
