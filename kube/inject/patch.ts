/**
 * JSON patches (RFC 6902).
 *
 * @module
 */

/** One operation; paths are JSON pointers (RFC 6901). */
export type Operation =
  | {
    readonly op: "add" | "replace";
    readonly path: string;
    readonly value: unknown;
  }
  | { readonly op: "remove"; readonly path: string };

/** What makes `after` of `before`; empty if they are equal. */
export function difference(
  before: unknown,
  after: unknown,
  path = "",
): Operation[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    return ofLists(before, after, path);
  }
  if (isObject(before) && isObject(after)) {
    return ofObjects(before, after, path);
  }
  return isEqual(before, after) ? [] : [{ op: "replace", path, value: after }];
}

function ofObjects(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  path: string,
): Operation[] {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  return [
    ...gone.map((key): Operation => ({ op: "remove", path: at(path, key) })),
    ...Object.entries(after).flatMap(([key, value]): Operation[] =>
      Object.hasOwn(before, key)
        ? difference(before[key], value, at(path, key))
        : [{ op: "add", path: at(path, key), value }]
    ),
  ];
}

function ofLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): Operation[] {
  const keep = common(before, after);
  const gone = before.flatMap((_, i) => keep.has(i) ? [] : [i]).reverse();
  const kept = new Map([...keep].map(([from, to]) => [to, before[from]]));
  return [
    ...gone.map((i): Operation => ({ op: "remove", path: at(path, `${i}`) })),
    ...after.flatMap((value, i): Operation[] =>
      kept.has(i)
        ? difference(kept.get(i), value, at(path, `${i}`))
        : [{ op: "add", path: at(path, `${i}`), value }]
    ),
  ];
}

/**
 * Items that go on, by their places before and after: those of the same name,
 * or that are equal, as far as they come in the same order.
 */
function common(
  before: readonly unknown[],
  after: readonly unknown[],
): Map<number, number> {
  const found = new Map<number, number>();
  let next = 0;
  for (const [from, item] of before.entries()) {
    const to = after.findIndex((other, i) => i >= next && isSame(item, other));
    if (to < 0) continue;
    found.set(from, to);
    next = to + 1;
  }
  return found;
}

/** Containers, volumes and the like are known by their names. */
function isSame(a: unknown, b: unknown): boolean {
  if (isObject(a) && isObject(b) && typeof a.name === "string") {
    return a.name === b.name;
  }
  return isEqual(a, b);
}

function at(path: string, key: string): string {
  return `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The keys and indexes that a pointer leads along. */
export function pointerKeys(path: string): string[] {
  return path.split("/").slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Equal as JSON: the order of keys is no part of it. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
