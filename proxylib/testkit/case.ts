/**
 * Test cases: bytes in, and what must come of them.
 *
 * The JSON Lines form is the contract's ("Vectors"); in TypeScript the bytes
 * may be written as text.
 *
 * @module
 */
import { z } from "zod";
import { bytes } from "../text.ts";

/** Bytes, or a text that stands for its UTF-8 bytes. */
export type Data = string | Uint8Array;

/** Bytes that one peer sends in one read. */
export interface Step {
  /** true: the server sends. Default false. */
  readonly reply?: boolean;
  readonly data: Data;
  /** The peer sends no more. Default false. */
  readonly end?: boolean;
}

/** A log line, as far as it is compared: each member given must be equal. */
export interface LogExpectation {
  readonly verdict?: string;
  readonly type?: string;
  readonly reason?: string;
  readonly rule?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** What one step must bring about. Absent members are not compared. */
export interface StepExpectation {
  /** What leaves in the step's own direction. */
  readonly out?: Data;
  /** What leaves in the other one. */
  readonly back?: Data;
  readonly closed?: boolean;
  /** Lines that must appear, in this order; others may stand between. */
  readonly log?: readonly LogExpectation[];
}

/** A conversation and its outcome. */
export interface Case {
  readonly name: string;
  /** The `l7` list of one matching policy rule: `[]` (the default) allows all, `null` means that no rule matches. */
  readonly rules?: readonly Readonly<Record<string, string>>[] | null;
  readonly steps: readonly Step[];
  readonly expect?: readonly StepExpectation[];
  /** All that left by the end, wherever the step. */
  readonly total?: {
    readonly forward?: Data;
    readonly reply?: Data;
    readonly closed?: boolean;
  };
  /** Bytes that must never leave. */
  readonly absent?: {
    readonly forward?: readonly Data[];
    readonly reply?: readonly Data[];
  };
}

/** Bytes of a {@linkcode Data}. */
export function toBytes(data: Data): Uint8Array {
  return typeof data === "string" ? bytes(data) : data;
}

const hex = z.string().regex(
  /^([0-9a-f]{2})*$/i,
  "expected pairs of hex digits",
)
  .transform((text) => Uint8Array.fromHex(text));
const logLine = z.object({
  verdict: z.string(),
  type: z.string(),
  reason: z.string(),
  rule: z.string(),
  fields: z.record(z.string(), z.unknown()),
}).partial();

const vectorSchema = z.object({
  name: z.string(),
  l7proto: z.string(),
  rules: z.array(z.record(z.string(), z.string())).nullable(),
  steps: z.array(z.object({
    reply: z.boolean().default(false),
    end: z.boolean().default(false),
    data: hex,
  })),
  expect: z.array(
    z.object({
      out: hex,
      back: hex,
      closed: z.boolean(),
      log: z.array(logLine),
    }).partial(),
  ).optional(),
  total: z.object({ forward: hex, reply: hex, closed: z.boolean() }).partial()
    .optional(),
  absent: z.object({ forward: z.array(hex), reply: z.array(hex) }).partial()
    .optional(),
});

/** A vector: a case with the protocol it is for. */
export type Vector = Case & { readonly l7proto: string };

/**
 * Reads a vectors file (JSON Lines, empty lines allowed).
 *
 * @throws {SyntaxError} naming the file's line and the member that is wrong
 */
export function readVectors(file: string, text: string): Vector[] {
  const vectors: Vector[] = [];
  for (const [index, row] of text.split("\n").entries()) {
    if (row.trim() === "") continue;
    const where = `${file}:${index + 1}`;
    const parsed = vectorSchema.safeParse(parseRow(where, row));
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new SyntaxError(
        `Cannot read the vector at ${where}, ${
          issue.path.join(".")
        }: ${issue.message}`,
      );
    }
    vectors.push(parsed.data as Vector);
  }
  return vectors;
}

function parseRow(where: string, row: string): unknown {
  try {
    return JSON.parse(row);
  } catch (cause) {
    throw new SyntaxError(`Cannot read the vector at ${where}: not JSON`, {
      cause,
    });
  }
}
