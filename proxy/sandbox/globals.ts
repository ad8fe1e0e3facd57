/**
 * What parser code finds in its world: values of the language for computing,
 * and nothing of the system. It is a list of what stays, so whatever a later
 * version of the runtime adds is gone as well.
 *
 * @module
 */

/** Globals that stay, as they are. */
export const KEPT_GLOBALS: readonly string[] = [
  // constants
  "globalThis",
  "Infinity",
  "NaN",
  "undefined",
  // fundamental objects
  "Object",
  "Function",
  "Boolean",
  "Symbol",
  // errors
  "Error",
  "AggregateError",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SuppressedError",
  "SyntaxError",
  "TypeError",
  "URIError",
  // numbers, dates, texts
  "Number",
  "BigInt",
  "Math",
  "Date",
  "String",
  "RegExp",
  "parseFloat",
  "parseInt",
  "isFinite",
  "isNaN",
  "decodeURI",
  "decodeURIComponent",
  "encodeURI",
  "encodeURIComponent",
  "escape",
  "unescape",
  // collections
  "Array",
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "Iterator",
  // bytes
  "ArrayBuffer",
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
  "Float32Array",
  "Float64Array",
  // data and its encodings
  "JSON",
  "TextDecoder",
  "TextEncoder",
  "atob",
  "btoa",
  "structuredClone",
  // control
  "Promise",
  "DisposableStack",
  "AsyncDisposableStack",
  "Proxy",
  "Reflect",
];

/**
 * Own properties of constructors that stay; the rest is taken away. Elsewhere
 * the language's own are harmless.
 *
 * - `Error`: `prepareStackTrace` is handed the functions, and the receivers, of
 *   every frame of a stack, the engine's included; `captureStackTrace` leads
 *   there too.
 * - `RegExp`: `input`, `$1`, `lastMatch` … show what was matched last, by
 *   whomever, for whichever connection.
 */
export const KEPT_STATICS: Readonly<Record<string, readonly PropertyKey[]>> = {
  Error: ["length", "name", "prototype", "stackTraceLimit", "isError"],
  RegExp: ["length", "name", "prototype", "escape", Symbol.species],
};

/** Members that go, by the object that has them. */
export const REMOVED_MEMBERS: readonly (readonly [object, string])[] = [
  [RegExp.prototype, "compile"], // changes an expression that others hold
];

/** Functions that would tell the time or roll dice: verdicts depend on bytes and state only. */
export const REFUSED_CALLS: readonly (readonly [object, string])[] = [
  [Date, "now"],
  [Math, "random"],
];

/** Objects of the language that no global leads to by a property; reached by syntax. */
export function hiddenIntrinsics(): object[] {
  const of = Object.getPrototypeOf as (value: unknown) => object;
  const iterables: Iterator<unknown>[] = [
    [][Symbol.iterator](),
    ""[Symbol.iterator](),
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    "".matchAll(/./g),
    (function* () {})(),
    [].values().map(() => 0), // Iterator Helper
    Iterator.from({ next: () => ({ done: true, value: 0 }) }), // wrapped iterator
  ];
  return [
    ...iterables.map(of),
    function* () {},
    async function () {},
    async function* () {},
    of(async function* () {}()),
    of(Uint8Array), // %TypedArray%
    throwTypeError(),
  ];
}

/** %ThrowTypeError%: what the `callee` of strict arguments throws. */
function throwTypeError(): object {
  const strict = (function () {
    return arguments;
  })();
  return Object.getOwnPropertyDescriptor(strict, "callee")!.get!;
}

/**
 * Properties of prototypes that authors set on objects and classes of their
 * own: they must stay settable there although the prototype is frozen.
 *
 * Those of arrays and bytes are not among them: an accessor `constructor` takes
 * V8's short cuts away from `subarray`, `slice` and the like, and made reading
 * a request 2.7 times as dear.
 */
export const OVERRIDDEN:
  readonly (readonly [object, readonly string[] | "all"])[] = [
    [Object.prototype, "all"],
    [Function.prototype, ["constructor", "name", "toString"]],
    ...[
      Error,
      AggregateError,
      EvalError,
      RangeError,
      ReferenceError,
      SyntaxError,
      TypeError,
      URIError,
    ].map((kind): readonly [object, readonly string[]] => [
      kind.prototype,
      ["constructor", "message", "name", "toString"],
    ]),
  ];
