/**
 * LZ4 blocks and raw Snappy, as database protocols carry them: decoded from the
 * front, as far as the reader needs.
 *
 * A decoder here fills the output that it is given and no more, so a length
 * that a peer claims costs nothing until somebody makes room for it; what stands
 * behind what was asked for is not even read. It may be given the beginning of
 * a block too: it then decodes what that beginning tells.
 *
 * @module
 */

/**
 * Decodes an LZ4 block (lz4_Block_format.md) from its front.
 *
 * @param input holds the block, or its beginning, from `start` to `end`
 * @param output is filled from its front
 * @returns how many bytes of `output` are decoded: all of them, or what the
 *   input tells; `~n` if n are decoded and then a match begins before the output
 */
export function lz4Block(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
): number {
  const room = output.length;
  let at = start;
  let to = 0;
  while (to < room && at < end) {
    const token = input[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) return to;
        literals += more = input[at++]!;
      }
    }
    const copied = Math.min(literals, end - at, room - to);
    copy(input, at, copied, output, to);
    to += copied;
    at += copied;
    if (copied < literals || at + 2 > end) return to;

    const distance = input[at]! | input[at + 1]! << 8;
    at += 2;
    if (distance === 0 || distance > to) return ~to;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more = 255;
      while (more === 255) {
        if (at >= end) return to;
        length += more = input[at++]!;
      }
    }
    length = Math.min(length, room - to);
    repeat(output, to, distance, length);
    to += length;
  }
  return to;
}

/** The length that a raw Snappy block claims, and how many bytes say so. */
export interface SnappyPreamble {
  /** Bytes of the decoded block. */
  readonly length: number;
  /** Where its elements begin. */
  readonly elements: number;
}

/**
 * Reads the preamble of a raw Snappy block (format_description.txt, section 1).
 *
 * @returns nothing while its end is not at hand; `length` is -1 for one past 32 bits
 */
export function snappyPreamble(
  input: Uint8Array,
  start: number,
  end: number,
): SnappyPreamble | undefined {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    if (start + i >= end) return undefined;
    const byte = input[start + i]!;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    return {
      length: length < 2 ** 32 ? length : -1,
      elements: start + i + 1,
    };
  }
  return { length: -1, elements: start };
}

/**
 * Decodes the elements of a raw Snappy block (section 2) from their front.
 *
 * @param input holds the elements, or the first of them, from `start` to `end`
 * @returns as {@linkcode lz4Block}
 */
export function snappyElements(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
): number {
  const room = output.length;
  let at = start;
  let to = 0;
  while (to < room && at < end) {
    const tag = input[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const size = length - 59;
        if (at + size > end) return to;
        length = littleEndian(input, at, size);
        at += size;
      }
      length++;
      const copied = Math.min(length, end - at, room - to);
      copy(input, at, copied, output, to);
      to += copied;
      at += copied;
      if (copied < length) return to;
      continue;
    }
    const size = kind === 3 ? 4 : kind;
    if (at + size > end) return to;
    const distance = kind === 1
      ? tag >>> 5 << 8 | input[at]!
      : littleEndian(input, at, size);
    at += size;
    if (distance === 0 || distance > to) return ~to;
    const claimed = kind === 1 ? (tag >>> 2 & 7) + 4 : (tag >>> 2) + 1;
    const length = Math.min(claimed, room - to);
    repeat(output, to, distance, length);
    to += length;
  }
  return to;
}

function littleEndian(data: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value += data[at + i]! * 2 ** (8 * i);
  return value;
}

/** Up to this length a loop costs less than a native call (bench/README.md). */
const SHORT = 32;

function copy(
  from: Uint8Array,
  at: number,
  length: number,
  output: Uint8Array,
  to: number,
): void {
  if (length > SHORT) output.set(from.subarray(at, at + length), to);
  else for (let i = 0; i < length; i++) output[to + i] = from[at + i]!;
}

/** Repeats what stands `distance` before; it may overlap what it writes. */
function repeat(
  output: Uint8Array,
  to: number,
  distance: number,
  length: number,
): void {
  if (length > SHORT && distance >= length) {
    output.copyWithin(to, to - distance, to - distance + length);
  } else {
    for (let i = 0; i < length; i++) {
      output[to + i] = output[to + i - distance]!;
    }
  }
}
