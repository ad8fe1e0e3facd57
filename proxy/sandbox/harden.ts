/**
 * Freezes objects with all that can be reached from them, so that nobody can
 * change what others rely on.
 *
 * @module
 */

/** What can be frozen with all it leads to. */
type Reachable = object;

/**
 * Freezes objects, their properties' values, accessors and prototypes, and so
 * on. Getters are not called. Module namespaces, whose bindings cannot be
 * changed anyway, are passed through.
 *
 * What no freezing can hold is the content of collections and of bytes: those
 * that were met from `roots` are the answer, with the path that leads there.
 *
 * @param besides more to freeze, of which nothing is told. One walk for both: most
 *   of what either leads to is the same, and a walk of the engine takes 25 ms.
 */
export function harden(
  roots: Iterable<object>,
  besides: Iterable<object> = [],
): readonly string[] {
  const seen = new Set<Reachable>();
  // How each was reached: texts are made of it for the few that are told.
  const reached: Reachable[] = [];
  const from: number[] = [];
  const by: PropertyKey[] = [];
  const mutable: string[] = [];

  function enqueue(value: unknown, parent: number, key: PropertyKey): void {
    if (!isObject(value) || seen.has(value)) return;
    seen.add(value);
    reached.push(value);
    from.push(parent);
    by.push(key);
  }
  function pathOf(at: number): string {
    const parent = from[at]!;
    const key = String(by[at]!);
    return parent < 0 ? key : `${pathOf(parent)}.${key}`;
  }
  let at = 0;
  function freezeFrom(roots: Iterable<object>): void {
    let index = 0;
    for (const root of roots) enqueue(root, -1, `#${index++}`);
    for (; at < reached.length; at++) {
      const value = reached[at]!;
      if (!freeze(value) || isCollection(value)) mutable.push(pathOf(at));
      enqueue(Reflect.getPrototypeOf(value), at, "[[Prototype]]");
      for (const key of Reflect.ownKeys(value)) {
        const property = Reflect.getOwnPropertyDescriptor(value, key);
        if (!property) continue;
        enqueue(property.value, at, key);
        enqueue(property.get, at, key);
        enqueue(property.set, at, key);
      }
    }
  }
  freezeFrom(roots);
  const told = [...mutable];
  freezeFrom(besides);
  return told;
}

function isObject(value: unknown): value is Reachable {
  return typeof value === "function" ||
    (typeof value === "object" && value !== null);
}

/** Whether all that an object holds is fixed now. */
function freeze(value: Reachable): boolean {
  if (isNamespace(value)) return true;
  if (ArrayBuffer.isView(value)) { // its elements cannot be fixed
    Object.preventExtensions(value);
    return value.byteLength === 0;
  }
  Object.freeze(value);
  return true;
}

/** A module namespace: exotic, not extensible, and its properties cannot be redefined. */
function isNamespace(value: Reachable): boolean {
  return Object.prototype.toString.call(value) === "[object Module]" &&
    !Object.isExtensible(value);
}

const COLLECTIONS = [Map, Set, WeakMap, WeakSet, ArrayBuffer];

function isCollection(value: Reachable): boolean {
  return COLLECTIONS.some((kind) =>
    value instanceof kind && value !== kind.prototype
  );
}
