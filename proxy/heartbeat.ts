/**
 * What this process is doing, for one that looks from outside: whether it is
 * inside a parser, which version's, and for which connection. A few plain
 * stores per call, into memory that both see.
 *
 * ```text
 * bytes  0–3   calls: odd while inside of one, one more at its end
 *        4–7   the number of the parser's version
 *        8–15  the connection's number (a double: some are longer than 32 bits)
 * ```
 *
 * @module
 */

const BYTES = 16;
const CALLS = 0;
const VERSION = 1;
const CONNECTION = 1; // in doubles

let words = new Int32Array(new ArrayBuffer(BYTES));
let numbers = new Float64Array(words.buffer);

/** From now on what this process does stands in `page`. */
export function beatOn(page: ArrayBuffer): void {
  words = new Int32Array(page, 0, BYTES / 4);
  numbers = new Float64Array(page, 0, BYTES / 8);
}

/** Called before each `beatFor`, while memory is short. */
let account: ((version: number) => void) | undefined;

/** Has it told which version is given bytes next; nothing: no more. */
export function accountBy(
  before: ((version: number) => void) | undefined,
): void {
  account = before;
}

/** The calls that follow are a connection's, of a parser's version. */
export function beatFor(connection: number, version: number): void {
  if (account !== undefined) account(version);
  numbers[CONNECTION] = connection;
  words[VERSION] = version;
}

/** Parser code is about to run. */
export function enterParser(): void {
  words[CALLS] = words[CALLS]! + 1 | 1;
}

/** Parser code has come back, however it did; that may be said twice. */
export function leaveParser(): void {
  words[CALLS] = words[CALLS]! + 1 & ~1;
}

/** What was seen of a process at one moment. */
export interface Beat {
  /** Counts entries and exits, modulo 2^32. */
  readonly calls: number;
  readonly isInside: boolean;
  /** Of the call, while inside: the parser version's number, and the connection's. */
  readonly version: number;
  readonly connection: number;
}

/** How many bytes `readBeat` wants. */
export const BEAT_BYTES = BYTES;

/** Reads what another process has written. */
export function readBeat(bytes: Uint8Array): Beat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BYTES);
  const calls = view.getInt32(0, true);
  return {
    calls,
    isInside: (calls & 1) !== 0,
    version: view.getInt32(4, true),
    connection: view.getFloat64(8, true),
  };
}
