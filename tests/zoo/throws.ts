/**
 * Parsers that throw, or give back what they must not.
 *
 * @module
 */
import type { Hostility } from "./parser.ts";

/** By name. */
export const THROWS: Readonly<Record<string, Hostility>> = {
  "throws an error": { onData: 'throw new Error("on purpose");' },
  "throws nothing": { onData: "throw undefined;" },
  "throws a symbol": { onData: "throw Symbol();" },
  "throws an object without a prototype": {
    onData: "throw Object.create(null);",
  },
  "throws what throws when it is made a text": {
    onData: 'throw { toString() { throw new Error("again"); } };',
  },
  "throws an error whose message throws": {
    onData:
      'throw Object.defineProperty(new Error(), "message", { get() { throw 1; } });',
  },
  "throws an error whose stack throws": {
    onData:
      'throw Object.defineProperty(new Error("x"), "stack", { get() { throw 1; } });',
  },
  "throws a proxy that throws": {
    onData:
      "throw new Proxy(new Error(), { get() { throw 1; }, getPrototypeOf() { throw 1; } });",
  },
  "calls itself until the stack is full": {
    onData: "const again = (): any => [again()]; again();",
  },
  "fills the stack, and throws all the way back": {
    onData:
      "const again = (): any => { try { return again(); } finally { throw 1; } }; again();",
  },
  "returns a promise": { onData: "return Promise.resolve(pass(1));" },
  "returns a promise that is rejected": {
    onData: 'return Promise.reject(new Error("later"));',
  },
  "returns nothing": { onData: "return undefined;" },
  "returns a verdict of getters that throw": {
    onData: 'return { get op() { throw new Error("got"); } };',
  },
  "returns a verdict that passes less than nothing": {
    onData: 'return { op: "pass", bytes: -1 };',
  },
  "asks for more memory than there is": {
    onData: "new Uint8Array(2 ** 50);",
  },
  "makes a text that is too long": { onData: '"x".repeat(2 ** 30);' },
  "makes a number that is too big": { onData: "2n ** (2n ** 40n);" },
  "injects what are no bytes": {
    onData: 'connection.inject(true, "text" as never);',
  },
  "logs fields that throw": {
    onData:
      'connection.log(connection.matches({ word }), { get field(): never { throw new Error("field"); } });',
  },
  "logs fields that are no JSON": {
    onData:
      "connection.log(connection.matches({ word }), { field: 1n as never });",
  },
  "cannot be created": { create: 'throw new Error("stillborn");' },
  "is created as nothing": { create: "return undefined as never;" },
};

/** A parser that cannot say what it remembers, for the version that comes next. */
export const NO_MEMORY: Hostility = {
  members: 'snapshot() { throw new Error("forgotten"); },',
  definition: "restore: () => ({ onData: () => nop() }),",
};

/** A parser whose rules cannot be compiled once it serves; the checker finds nothing wrong with it. */
export const BAD_RULE: Hostility = {
  module: "let serves = false;",
  create: "serves = true;",
  rule:
    'z.strictObject({ word: z.string() }).transform((rule) => { if (serves) throw new Error("no rule"); return rule; })',
};
