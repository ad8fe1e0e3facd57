/**
 * Random numbers that a seed determines, and mutations made of them.
 *
 * @module
 */

/** A small generator (mulberry32): the same seed gives the same run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

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
