/**
 * Framing helpers: they find the length of the frame at the start of `data`
 * and do the MORE arithmetic.
 *
 * Each answers `pass(length)` for a frame of that length, `more(n)` while its
 * end cannot be known, or `error("frame-length")` past `max`.
 *
 * @module
 */
import { error, more, pass, type Verdict } from "./verdict.ts";

/** Word in the log when a frame is longer than its protocol allows. */
export const FRAME_LENGTH = "frame-length";

const LF = 0x0a;

/**
 * A line that ends with LF, the LF included.
 *
 * @param seen bytes searched before, from `onData`: makes a line that arrives
 *   in many reads cost one search
 * @param max longest line in bytes, LF included
 */
export function line(data: Uint8Array, seen: number, max: number): Verdict {
  const at = lineFeed(data, seen);
  if (at >= max || (at < 0 && data.length >= max)) return error(FRAME_LENGTH);
  return at < 0 ? more(1) : pass(at + 1);
}

/** Most lines are this short: a loop over them costs less than a native call. */
const SHORT = 64;

function lineFeed(data: Uint8Array, from: number): number {
  const short = Math.min(data.length, from + SHORT);
  for (let at = from; at < short; at++) if (data[at] === LF) return at;
  return short < data.length ? data.indexOf(LF, short) : -1;
}

/** A frame of known length: a header alone, whose body passes unseen. */
export function fixed(data: Uint8Array, length: number): Verdict {
  return data.length < length ? more(length - data.length) : pass(length);
}

/** Where a length-prefixed frame keeps its length. */
export interface LengthField {
  /** Bytes from the frame's start to the length field. */
  readonly offset: number;
  /** Width of the field in bytes, big endian. */
  readonly size: 1 | 2 | 4;
  /** Added to the field's value to get the whole frame's length. */
  readonly adjust: number;
  /** Longest whole frame in bytes. */
  readonly max: number;
}

/** A frame that carries its own length. */
export function lengthPrefixed(data: Uint8Array, field: LengthField): Verdict {
  const header = field.offset + field.size;
  if (data.length < header) return more(header - data.length);
  const length = unsigned(data, field.offset, field.size) + field.adjust;
  if (length < header || length > field.max) return error(FRAME_LENGTH);
  return fixed(data, length);
}

/** An unsigned big-endian number of `size` bytes. */
export function unsigned(
  data: Uint8Array,
  offset: number,
  size: number,
): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + data[offset + i]!;
  return value;
}
