/**
 * Parsers that hang inside one call of a built-in function: no check that is
 * written into their text can end it.
 *
 * @module
 */
import type { Hostility } from "./parser.ts";

/** By name; each takes many seconds, or for ever. */
export const HANGS: Readonly<Record<string, Hostility>> = {
  "reverses an array-like of 2^53 elements": {
    onData: "[].reverse.call({ length: 2 ** 53 - 1 } as never);",
  },
  "looks for what is not in an array-like of 2^53 elements": {
    onData: "[].includes.call({ length: 2 ** 53 - 1 } as never, 1 as never);",
  },
  "moves the elements of an array-like of 2^53": {
    onData: "[].copyWithin.call({ length: 2 ** 53 - 1 } as never, 0, 1);",
  },
  "raises a big number to a power": {
    onData: "(3n ** (1n << 22n)) ** 128n;",
  },
  "writes a big number out": {
    onData: "String((1n << (1n << 29n)) / 7n);",
  },
  "sorts with a comparator that is a built-in": {
    onData: "new Float64Array(new Uint8Array(2 ** 24)).sort(Math.atan2);",
  },
  "reads a huge text of JSON": {
    onData: 'JSON.parse("[" + "[],".repeat(2 ** 24) + "0]");',
  },
  "matches an expression made from a text": {
    onData: 'new RegExp("(?:a{0,60}){0,60}b").test("a".repeat(2 ** 16));',
  },
  "throws what hangs when it is read": {
    onData:
      "throw { toString: [].reverse.bind({ length: 2 ** 53 - 1 } as never) };",
  },
};

/** A parser that hangs before it has read a byte. */
export const NEVER_CREATED: Hostility = {
  create: "[].reverse.call({ length: 2 ** 53 - 1 } as never);",
};
