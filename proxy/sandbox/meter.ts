/**
 * The time that a parser's code may take. Staged code calls {@linkcode charge}
 * at each start of a function, and {@linkcode turns} once for some turns of its
 * loops (`budget.ts` puts the calls there); the engine says when its calls begin
 * and end.
 *
 * A check counts down. At zero the clock is read, and once a call has used up
 * its time the check throws, and so does every later one: whatever catches the
 * first gets no further than its next loop or function. What the call answers
 * then does not count. Nothing of this needs memory or a clock where calls are
 * short, as nearly all are. A call is ended at the first look at the clock, of
 * five or more, at which its time is used up: what takes long between two looks,
 * such as a language's own function with a huge argument, is not seen from here.
 *
 * Between calls no check passes: what a parser left behind to be done later,
 * by promises, is not done.
 *
 * @module
 */
import { authorsPath } from "./staged_path.ts";

/** Starts and turns between two looks at the clock: at 0.1 µs a look it adds little to each. */
const STEP = 512;

/** Turns that the loops of a body take between two checks. */
export const TURNS = 32;

/**
 * What a module may take when it is loaded, in milliseconds. A checker has
 * loaded it before, so only one that behaves differently here meets this.
 */
const LOAD_MS = 1000;

/**
 * The time between two looks counts with a part of the limit at most. So a
 * process that was not given the processor for a while has not used up a call's
 * time: that takes some looks.
 */
const SHARE = 4;

/** No call is under way. */
const IDLE = 0;
/** A call is under way, or a module is loaded, and the clock was not read yet. */
const BEGUN = 1;
const LOADING = 2;
/** The clock runs. */
const TIMED = 3;
/** The time is used up. */
const TRIPPED = 4;

// Taken before the sandbox takes it away.
const now = performance.now.bind(performance);

let left = STEP;
let state = BEGUN;
/** For calls of the engine's, in milliseconds. Infinite until the process says that it holds connections. */
let limit = Infinity;
let allowed = 0;
let spent = 0;
let seen = 0;
/** Made where the parser was. It never gets to see this error: it could change it. */
let trip: Error | undefined;

/** A function starts. @throws {Error} when the time is used up, or no call is under way */
export function charge(): void {
  if (--left < 0) exhausted();
}

/** The loops of a body have taken {@linkcode TURNS} turns. @throws as `charge` */
export function turns(): void {
  left -= TURNS;
  if (left < 0) exhausted();
}

/** A staged module begins to be evaluated. */
export function load(): void {
  state = LOADING;
  left = STEP;
}

/** From here on calls are limited to so many milliseconds, and nothing runs between them. */
export function limitCalls(milliseconds: number): void {
  if (limit === Infinity) idle();
  limit = milliseconds;
}

/** A call of parser code begins. Calls do not nest. */
export function beginCall(): void {
  state = BEGUN;
  left = STEP;
}

/** A call has returned. @throws {Error} when its time was used up, whatever it answered */
export function endCall(): void {
  const isTripped = state === TRIPPED;
  idle();
  if (isTripped) throw report();
}

/** A call has thrown `cause`: what counts instead, if its time was used up. */
export function failCall(cause: unknown): unknown {
  const isTripped = state === TRIPPED;
  idle();
  return isTripped ? report() : cause;
}

function idle(): void {
  state = IDLE;
  left = 0;
}

function exhausted(): void {
  if (limit === Infinity) {
    left = STEP;
    return;
  }
  if (state === IDLE) {
    left = 0;
    throw new Error("parser code runs while the engine calls it only");
  }
  if (state !== TRIPPED && isInTime()) {
    left = STEP;
    return;
  }
  left = 0;
  throw new Error(late());
}

/** Reads the clock; what is left half done by an overflow of the stack is done by the next check. */
function isInTime(): boolean {
  const time = now();
  if (state !== TIMED) {
    allowed = state === LOADING ? LOAD_MS : limit;
    spent = 0;
    seen = time;
    state = TIMED;
    return true;
  }
  spent += Math.min(time - seen, allowed / SHARE);
  seen = time;
  if (spent < allowed) return true;
  trip = new Error(late());
  state = TRIPPED;
  return false;
}

function late(): string {
  return allowed === limit
    ? `it did not return within ${limit} ms (limits.parserTime)`
    : `its module was not loaded within ${LOAD_MS} ms`;
}

/** What a call is ended with: it says where the parser was. */
function report(): Error {
  // The text of the stack is made here: where the parser was, there may be no room for that.
  const [title, ...frames] = `${trip!.stack}`.split("\n");
  const outside = frames.filter((frame) => !frame.includes(import.meta.url));
  const place = /([^/]+:\d+):\d+\)?$/.exec(authorsPath(outside[0] ?? ""))?.[1];
  const error = new Error(
    `${trip!.message}, at ${place ?? "an unknown place"}`,
  );
  error.stack = [title, ...outside].join("\n");
  trip = undefined;
  return error;
}
