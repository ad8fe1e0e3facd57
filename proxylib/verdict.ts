/**
 * What a parser decides about the bytes it was shown.
 *
 * A parser owns no socket, clock or random source. It is shown the undecided
 * bytes of one direction, from a frame boundary, and returns one verdict. The
 * semantics are those of Cilium's proxylib, less its bare `(op, n)` pairs: a
 * count below 1 cannot be made.
 *
 * ```ts
 * import { pass } from "parley/proxylib";
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 *
 * assertEquals(pass(7), { op: "pass", bytes: 7, last: true, code: "" });
 * ```
 *
 * @module
 */

/** The kinds of verdict. */
export type Op = "more" | "pass" | "drop" | "error" | "nop";

/** One decision. Made by the functions below only. */
export interface Verdict {
  readonly op: Op;
  /** `pass`, `drop`: bytes decided; may reach past the bytes at hand. `more`: bytes wanted beyond them. */
  readonly bytes: number;
  /** `pass` of a reply: whether this ends it (see {@linkcode part}). `error`: whether no reply is due (see {@linkcode errorInTurn}). */
  readonly last: boolean;
  /** `error`: a short word for the log's `reason`. */
  readonly code: string;
}

/** Forward `bytes`, without looking at those still to come. Throws a `RangeError` below 1. */
export function pass(bytes: number): Verdict {
  return { op: "pass", bytes: counted("pass", bytes), last: true, code: "" };
}

/** Forward `bytes` of a reply that goes on after them (used by `defineProtocol`'s `reply`). */
export function part(bytes: number): Verdict {
  return { op: "pass", bytes: counted("part", bytes), last: false, code: "" };
}

/** Discard `bytes`, without looking at those still to come. Throws a `RangeError` below 1. */
export function drop(bytes: number): Verdict {
  return { op: "drop", bytes: counted("drop", bytes), last: true, code: "" };
}

/**
 * Keep what was shown; call again when `bytes` more have come, or at end of
 * stream. A parser must not change its state before it answers this: the same
 * bytes are shown again, perhaps to its successor.
 */
export function more(bytes: number): Verdict {
  return { op: "more", bytes: counted("more", bytes), last: true, code: "" };
}

/** Close the connection. What was decided before still goes out. `code` becomes the log's `reason`. */
export function error(code: string): Verdict {
  return { op: "error", bytes: 0, last: true, code };
}

/**
 * In the request direction: read no further request and close, but let the
 * replies out that are still due. The parser goes on to frame them, and answers
 * {@linkcode error} in the reply direction when the last one has passed.
 */
export function errorInTurn(code: string): Verdict {
  return { op: "error", bytes: 0, last: false, code };
}

const NOP: Verdict = Object.freeze({
  op: "nop",
  bytes: 0,
  last: true,
  code: "",
});

/**
 * Nothing to decide. With bytes at hand it pauses the direction: they are kept,
 * nothing further is read, and the parser is asked again once the other
 * direction has moved.
 */
export function nop(): Verdict {
  return NOP;
}

function counted(op: string, bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes >= 1) return bytes;
  throw new RangeError(
    `Cannot make a ${op} verdict: expected a whole number of bytes from 1, current value is ${bytes}; ` +
      `answer nop() when there is nothing to decide`,
  );
}
