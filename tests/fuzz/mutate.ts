/**
 * Random changes of inputs.
 *
 * @module
 */
import type { Random } from "../random.ts";

/** Inputs do not grow without end. */
const LONGEST = 16 * 1024;
/** Bytes that protocols care about. */
const TELLING = [
  0,
  1,
  0x0a,
  0x0d,
  0x16,
  0x20,
  0x2d,
  0x30,
  0x7f,
  0x80,
  0x81,
  0xff,
];

/** One to four random changes of an input; `others` lend it pieces. */
export function mutate(
  random: Random,
  input: Uint8Array,
  others: readonly Uint8Array[],
): Uint8Array {
  let bytes = [...input];
  for (let i = random.below(4); i >= 0; i--) {
    bytes = MUTATIONS[random.below(MUTATIONS.length)]!(random, bytes, others);
  }
  return Uint8Array.from(bytes.slice(0, LONGEST));
}

type Mutation = (
  random: Random,
  bytes: number[],
  others: readonly Uint8Array[],
) => number[];

const MUTATIONS: readonly Mutation[] = [
  // flip a bit
  (random, bytes) =>
    bytes.length === 0
      ? bytes
      : changed(bytes, random.below(bytes.length), (byte) =>
        byte ^ (1 << random.below(8))),
  // put a telling byte
  (random, bytes) =>
    bytes.length === 0
      ? bytes
      : changed(bytes, random.below(bytes.length), () => random.pick(TELLING)),
  // insert a telling byte
  (random, bytes) =>
    bytes.toSpliced(random.below(bytes.length + 1), 0, random.pick(TELLING)),
  // remove a piece
  (random, bytes) =>
    bytes.toSpliced(random.below(bytes.length + 1), 1 + random.below(8)),
  // say a piece again
  (random, bytes) => {
    const [from, length] = [random.below(bytes.length + 1), random.below(64)];
    return bytes.toSpliced(from, 0, ...bytes.slice(from, from + length));
  },
  // take a piece of another input
  (random, bytes, others) => {
    const other = random.pick(others);
    const from = random.below(other.length + 1);
    const piece = other.subarray(from, from + 1 + random.below(96));
    return bytes.toSpliced(random.below(bytes.length + 1), 0, ...piece);
  },
];

function changed(
  bytes: number[],
  at: number,
  change: (byte: number) => number,
): number[] {
  return bytes.with(at, change(bytes[at]!));
}
