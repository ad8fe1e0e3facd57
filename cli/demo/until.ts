/**
 * Waiting, the only way the demo does it: look again and again at what is to
 * be observed, with a deadline.
 *
 * @module
 */

const WITHIN_MS = 60_000;
const EVERY_MS = 3;

/**
 * The first answer of `probe` that is not `undefined`.
 *
 * @throws {Error} saying what did not happen, once the deadline has passed
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new Error(`waited ${WITHIN_MS / 1000} s in vain for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
