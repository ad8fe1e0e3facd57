/**
 * Waiting for what can be observed, with a deadline that says what did not
 * happen. No test sleeps for a guessed time.
 *
 * @module
 */

/** Far above what anything takes: running into it is a failure, not a slow machine. */
const DEADLINE_MS = 60_000;
const POLL_MS = 5;

/** What was waited for did not happen. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * The promise's value, or an error when it is late. `what` completes the
 * sentence "there is no …"; `late` should make the promise settle, so that
 * nothing is left behind.
 */
export async function within<T>(
  promise: Promise<T>,
  what: () => string,
  late: () => void = () => {},
): Promise<T> {
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    expired.reject(
      new DeadlineError(`there is no ${what()} after ${DEADLINE_MS} ms`),
    );
    late();
  }, DEADLINE_MS);
  try {
    return await Promise.race([promise, expired.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is not `undefined`. */
export async function poll<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  what: () => string,
): Promise<T> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) {
      throw new DeadlineError(`there is no ${what()} after ${DEADLINE_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
