/**
 * How the engine calls parser code that was staged: within a limit of time, and
 * seen from outside while it lasts.
 *
 * Where calls are frequent, `beginCall` and `endCall` stand around them and no function
 * is made:
 *
 * ```text
 * beginCall();
 * try {
 *   answer = parser.onData(…); // and all that is read of the answer
 *   endCall();
 * } catch (cause) {
 *   fail(failedCall(cause));
 * }
 * ```
 *
 * @module
 */
import { enterParser, leaveParser } from "./heartbeat.ts";
import * as meter from "./sandbox/meter.ts";
import { thrownStack, thrownText } from "./thrown.ts";

/** A call of parser code begins. Calls do not nest. */
export function beginCall(): void {
  enterParser();
  meter.beginCall();
}

/** A call has returned. @throws {Error} when its time was used up; that is to be told to `failedCall` */
export function endCall(): void {
  meter.endCall();
  leaveParser();
}

/**
 * Ends a call that threw. Answers an error of the engine's own: that the time
 * was used up, whatever the parser made of it; or what was thrown, in words,
 * since getters and `toString` are parser code as well.
 */
export function failedCall(cause: unknown): unknown {
  const said: { stack?: string | undefined } = new Error(thrownText(cause));
  said.stack = thrownStack(cause);
  return failCall(said);
}

/** Ends a call that threw, with what counts instead. */
function failCall(cause: unknown): unknown {
  leaveParser();
  return meter.failCall(cause);
}

/** Makes one call. @throws {Error} in the engine's own words what it throws, or that its time was used up */
export function callInWords<Result>(make: () => Result): Result {
  beginCall();
  try {
    const result = make();
    endCall();
    return result;
  } catch (cause) {
    throw failedCall(cause);
  }
}

/** Makes one call. @throws what it throws, or that its time was used up */
export function call<Result>(make: () => Result): Result {
  beginCall();
  let result: Result;
  try {
    result = make();
  } catch (cause) {
    throw failCall(cause);
  }
  endCall();
  return result;
}
