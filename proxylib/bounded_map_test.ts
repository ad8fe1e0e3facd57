import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { BoundedMap } from "./bounded_map.ts";

/** Room for eight entries of a one-letter key and a value of 35. */
const EIGHT = 8 * 100;

function keys(map: BoundedMap<string>, of: string): string {
  return [...of].filter((key) => map.get(key) !== undefined).join("");
}

function filled(of: string): BoundedMap<string> {
  const map = new BoundedMap<string>(EIGHT);
  for (const key of of) map.set(key, key.toUpperCase(), 35);
  return map;
}

Deno.test("BoundedMap gives what was set last for a key", () => {
  const map = filled("ab");
  map.set("a", "B", 1);
  assertEquals([map.get("a"), map.get("b"), map.get("c")], [
    "B",
    "B",
    undefined,
  ]);
});

Deno.test("BoundedMap forgets what was not asked for since it was half full", () => {
  const map = filled("abcdef");
  assertEquals(map.get("a"), "A");
  for (const key of "gh") map.set(key, key, 35);
  assertEquals(keys(map, "abcdh"), "ah");
});

Deno.test("BoundedMap does not keep what is too heavy for its half, nor what that replaces", () => {
  const map = filled("a");
  map.set("a", "heavy", EIGHT / 2);
  assertEquals(map.get("a"), undefined);
});

Deno.test("BoundedMap counts a key that is set again once", () => {
  const map = filled("abc");
  for (let i = 0; i < 100; i++) map.set("a", `${i}`, 35);
  assertEquals(keys(map, "abc"), "abc");
});

Deno.test("BoundedMap stays within its weight, whatever is set", () => {
  const map = new BoundedMap<string>(EIGHT);
  const set = Array.from({ length: 1000 }, (_, i) => `k${i}`);
  for (const key of set) map.set(key, key, 31);
  const kept = set.filter((key) => map.get(key) !== undefined);
  assert(kept.length > 0 && kept.length <= 8, `${kept.length} kept`);
});
