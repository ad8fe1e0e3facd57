/**
 * Waiting that can be ended.
 *
 * @module
 */

/** Waits; false if it is told to stop. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (goesOn: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve(goesOn);
    };
    const stop = () => end(false);
    const timer = setTimeout(() => end(true), ms);
    signal.addEventListener("abort", stop);
  });
}

const FIRST_MS = 500;
const LAST_MS = 30_000;

/** How long to wait after so many failures in a row, so that those who failed together do not come again together. */
export function backoff(failures: number): number {
  const most = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return most * (0.5 + Math.random() / 2);
}
