/**
 * Data as JSON knows it and a little more, for messages between processes: what
 * a parser remembers may hold bytes, maps and sets.
 *
 * What JSON has no word for stands in an array whose first item names its kind;
 * arrays stand in one too, so that none is mistaken for another.
 *
 * @module
 */

/** Nobody's state is nested deeper. */
const DEEPEST = 100;

/** The data as something that JSON can write. @throws {TypeError} for what is no data: functions, symbols, objects of classes */
export function toPlain(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw new TypeError("data is nested too deeply");
  const inner = (item: unknown) => toPlain(item, depth + 1);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : ["number", Object.is(value, -0) ? "-0" : String(value)];
    case "bigint":
      return ["bigint", String(value)];
    case "undefined":
      return ["undefined"];
    case "object":
      break;
    default:
      throw new TypeError(`a ${typeof value} is no data`);
  }
  if (value === null) return null;
  if (Array.isArray(value)) return ["array", ...value.map(inner)];
  if (value instanceof Uint8Array) return ["bytes", value.toBase64()];
  if (value instanceof Map) {
    return ["map", ...[...value].map(([k, v]) => [inner(k), inner(v)])];
  }
  if (value instanceof Set) return ["set", ...[...value].map(inner)];
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError("an object of a class is no data");
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, inner(member)]),
  );
}

/** The inverse of {@linkcode toPlain}. @throws {TypeError} for what it does not write */
export function fromPlain(plain: unknown): unknown {
  if (typeof plain !== "object" || plain === null) return plain;
  if (!Array.isArray(plain)) {
    return Object.fromEntries(
      Object.entries(plain).map(([key, member]) => [key, fromPlain(member)]),
    );
  }
  const [kind, ...items] = plain;
  switch (kind) {
    case "number":
      return Number(items[0]);
    case "bigint":
      return BigInt(items[0]);
    case "undefined":
      return undefined;
    case "array":
      return items.map(fromPlain);
    case "bytes":
      return Uint8Array.fromBase64(items[0]);
    case "map":
      return new Map(items.map(([k, v]) => [fromPlain(k), fromPlain(v)]));
    case "set":
      return new Set(items.map(fromPlain));
    default:
      throw new TypeError(`${String(kind)} is no kind of data`);
  }
}
