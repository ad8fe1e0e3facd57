import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { harden } from "./harden.ts";

/** Bound to nothing of the language's: hardening that would freeze this process's. */
function bare<T extends object>(value: T): T {
  return Object.setPrototypeOf(value, null);
}

Deno.test("harden() freezes values, accessors and prototypes, and theirs", () => {
  const getter = bare(() => 1);
  const inner = bare({ deep: bare({}) });
  const prototype = bare({ inherited: bare({}) });
  const root = Object.setPrototypeOf({ inner }, prototype);
  Object.defineProperty(root, "got", { get: getter });
  Reflect.deleteProperty(getter, "prototype");
  assertEquals(harden([root]), []);
  const all = [root, inner, inner.deep, prototype, prototype.inherited, getter];
  assert(all.every(Object.isFrozen));
});

Deno.test("harden() calls no getter, and follows circles", () => {
  const root: Record<string, unknown> = bare({});
  root.self = root;
  Object.defineProperty(root, "got", {
    get: bare(() => {
      throw new Error("called");
    }),
  });
  assertEquals(harden([root]), []);
});

Deno.test("harden() names what no freezing can hold", () => {
  const bytes = bare(new Uint8Array(1));
  const root = bare({ list: bare([bytes]) });
  assertEquals(harden([root]), ["#0.list.0"]);
  assert(!Object.isExtensible(bytes));
});

Deno.test("harden() freezes what is beside the roots too, and tells nothing of it", () => {
  const both = bare(new Uint8Array(1));
  const bytes = bare(new Uint8Array(1));
  const root = bare({ both });
  const beside = bare({ both, bytes, inner: bare({}) });
  assertEquals(harden([root], [beside]), ["#0.both"]);
  assert([root, beside, beside.inner].every(Object.isFrozen));
  assert(!Object.isExtensible(bytes));
});
