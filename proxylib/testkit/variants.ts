/**
 * The same conversation, cut differently. A parser must come to the same
 * decisions however its bytes arrive, so every case is run again at every
 * split point, byte by byte, and with all that one peer sends in a row in one
 * read.
 *
 * @module
 */
import { type Step, toBytes } from "./case.ts";

/** Steps with the name of the cut. */
export interface Variant {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Long conversations are split at this many points, the ends of steps first. */
const SPLITS = 600;
/** Longest conversation, in bytes, that is fed byte by byte. */
const BYTEWISE = 8192;

/** All cuts of a conversation, the given one not among them. */
export function* variants(steps: readonly Step[]): Generator<Variant> {
  const merged = mergeRuns(steps);
  if (merged.length < steps.length) {
    yield { name: "several frames in a read", steps: merged };
  }
  const total = steps.reduce((sum, { data }) => sum + data.length, 0);
  if (total <= BYTEWISE) {
    yield { name: "byte by byte", steps: steps.flatMap(byteByByte) };
  }
  for (const [index, step] of steps.entries()) {
    const data = toBytes(step.data);
    for (const at of splitPoints(data.length, SPLITS / steps.length)) {
      yield {
        name: `step ${index} split at byte ${at}`,
        steps: steps.toSpliced(index, 1, ...split(step, data, at)),
      };
    }
  }
}

function mergeRuns(steps: readonly Step[]): Step[] {
  const merged: Step[] = [];
  for (const step of steps) {
    const last = merged.at(-1);
    if (last && (last.reply ?? false) === (step.reply ?? false) && !last.end) {
      const data = concat([toBytes(last.data), toBytes(step.data)]);
      merged[merged.length - 1] = { ...step, data };
    } else {
      merged.push(step);
    }
  }
  return merged;
}

function byteByByte(step: Step): Step[] {
  const data = toBytes(step.data);
  if (data.length < 2) return [step];
  return Array.from(data, (_, i) => ({
    ...step,
    data: data.subarray(i, i + 1),
    end: (step.end ?? false) && i === data.length - 1,
  }));
}

function split(step: Step, data: Uint8Array, at: number): Step[] {
  return [
    { ...step, data: data.subarray(0, at), end: false },
    { ...step, data: data.subarray(at) },
  ];
}

/** Every inner offset, or as many as allowed: the first half of them from the start, the rest spread out. */
function splitPoints(length: number, most: number): number[] {
  const all = length - 1;
  if (all <= most) {
    return Array.from({ length: Math.max(0, all) }, (_, i) => i + 1);
  }
  const dense = Math.floor(most / 2);
  const stride = Math.ceil((all - dense) / (most - dense));
  const points = Array.from({ length: dense }, (_, i) => i + 1);
  for (let at = dense + 1; at < length; at += stride) points.push(at);
  return points;
}

/** All chunks in one array. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
