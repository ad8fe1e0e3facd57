/**
 * What came of a conversation, held against what should have.
 *
 * @module
 */
import { latin1 } from "../text.ts";
import {
  type Case,
  type Data,
  type LogExpectation,
  type StepExpectation,
  toBytes,
} from "./case.ts";

/** A log line as the kit records it. */
export interface LogLine {
  readonly type: string;
  readonly verdict: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What one step brought about. */
export interface StepOutcome {
  readonly out: Uint8Array;
  readonly back: Uint8Array;
  readonly closed: boolean;
  readonly log: readonly LogLine[];
}

/** What a whole conversation brought about. */
export interface Outcome {
  readonly steps: readonly StepOutcome[];
  readonly forward: Uint8Array;
  readonly reply: Uint8Array;
  readonly closed: boolean;
  readonly log: readonly LogLine[];
}

/** Differences between an outcome and what its case expects, one sentence each. */
export function compare(expected: Case, outcome: Outcome): string[] {
  const differences: string[] = [];
  for (const [index, step] of (expected.expect ?? []).entries()) {
    const found = outcome.steps[index];
    if (!found) differences.push(`step ${index}: expected, but there is none`);
    else differences.push(...compareStep(`step ${index}`, step, found));
  }
  const { forward, reply, closed } = expected.total ?? {};
  differences.push(
    ...sameBytes("in all, forward", forward, outcome.forward),
    ...sameBytes("in all, reply", reply, outcome.reply),
    ...sameClosed("in all", closed, outcome.closed),
    ...absent("forward", expected.absent?.forward, outcome.forward),
    ...absent("reply", expected.absent?.reply, outcome.reply),
  );
  return differences;
}

/** Differences between two outcomes of the same bytes, cut differently. */
export function compareCuts(expected: Outcome, found: Outcome): string[] {
  return [
    ...sameBytes("in all, forward", expected.forward, found.forward),
    ...sameBytes("in all, reply", expected.reply, found.reply),
    ...sameClosed("in all", expected.closed, found.closed),
    ...sameLog(expected.log, found.log),
  ];
}

function compareStep(
  where: string,
  expected: StepExpectation,
  found: StepOutcome,
): string[] {
  return [
    ...sameBytes(`${where}, out`, expected.out, found.out),
    ...sameBytes(`${where}, back`, expected.back, found.back),
    ...sameClosed(where, expected.closed, found.closed),
    ...logHolds(where, expected.log ?? [], found.log),
  ];
}

function sameBytes(
  where: string,
  expected: Data | undefined,
  found: Uint8Array,
): string[] {
  if (expected === undefined) return [];
  const wanted = toBytes(expected);
  const at = firstDifference(wanted, found);
  if (at < 0) return [];
  return [
    `${where}: differs at byte ${at}\n` +
    `    expected ${shown(wanted, at)}\n` +
    `    found    ${shown(found, at)}`,
  ];
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : shared;
}

/** Bytes around an offset as a quoted text, `\xNN` for what is not printable. */
function shown(data: Uint8Array, at: number): string {
  const start = Math.max(0, at - 24);
  const end = Math.min(data.length, at + 40);
  const text = latin1(data, start, end)
    .replace(/[\\"]/g, "\\$&")
    .replaceAll("\r", "\\r")
    .replaceAll("\n", "\\n")
    .replace(
      /[^\x20-\x7e]/g,
      (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  const before = start > 0 ? "…" : "";
  const after = end < data.length ? "…" : "";
  return `${before}"${text}"${after} (${data.length} bytes)`;
}

function sameClosed(
  where: string,
  expected: boolean | undefined,
  found: boolean,
): string[] {
  if (expected === undefined || expected === found) return [];
  return [`${where}: expected closed ${expected}, found ${found}`];
}

function absent(
  direction: string,
  forbidden: readonly Data[] | undefined,
  found: Uint8Array,
): string[] {
  const text = latin1(found);
  return (forbidden ?? []).map(toBytes)
    .filter((bytes) => text.includes(latin1(bytes)))
    .map((bytes) =>
      `${direction}: must never leave, but did: ${shown(bytes, 0)}`
    );
}

/** Each expected line must appear, in order, with at least its members. */
function logHolds(
  where: string,
  expected: readonly LogExpectation[],
  found: readonly LogLine[],
): string[] {
  let at = 0;
  for (const line of expected) {
    while (at < found.length && !covers(found[at]!, line)) at++;
    if (at === found.length) {
      const lines = found.map((line) =>
        `\n    found    ${JSON.stringify(line)}`
      );
      return [
        `${where}, log: no such line, in its order\n    expected ${
          JSON.stringify(line)
        }${lines.join("")}`,
      ];
    }
    at++;
  }
  return [];
}

function covers(found: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return Array.isArray(found) && found.length === expected.length &&
      expected.every((value, i) => covers(found[i], value));
  }
  if (typeof expected === "object" && expected !== null) {
    return typeof found === "object" && found !== null &&
      Object.entries(expected).every(([key, value]) =>
        covers((found as Record<string, unknown>)[key], value)
      );
  }
  return found === expected;
}

function sameLog(
  expected: readonly LogLine[],
  found: readonly LogLine[],
): string[] {
  const length = Math.max(expected.length, found.length);
  for (let i = 0; i < length; i++) {
    const a = JSON.stringify(expected[i]);
    const b = JSON.stringify(found[i]);
    if (a !== b) {
      return [`log line ${i} differs\n    expected ${a}\n    found    ${b}`];
    }
  }
  return [];
}
