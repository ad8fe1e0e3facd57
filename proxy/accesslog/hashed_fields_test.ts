import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  notDeepStrictEqual as assertNotEquals,
} from "node:assert/strict";
import { FieldHasher } from "./hashed_fields.ts";

const secret = new Uint8Array(32).fill(7).toBase64();
const other = new Uint8Array(32).fill(8).toBase64();
const names = ["keys", "query_table", "count"];

Deno.test("FieldHasher hashes what it is told to, item by item, and nothing else", () => {
  const hasher = new FieldHasher({ names, secret });
  const fields = {
    command: "get",
    keys: ["a", "b", "a"],
    query_table: "k.t",
    count: 3,
  };
  const { command, keys, ...rest } = hasher.apply(fields);
  assertEquals(command, "get");
  const [a, b, again] = keys as string[];
  assertEquals(a, again);
  assertNotEquals(a, b);
  for (const value of [a, b, rest["query_table"], rest["count"]]) {
    assertMatch(String(value), /^hmac:[0-9a-f]{16}$/);
  }
});

Deno.test("FieldHasher says the same of the same value in every process that has the secret, and something else with another", () => {
  const hash = (secret: string) =>
    new FieldHasher({ names, secret }).apply({ query_table: "k.t" });
  assertEquals(hash(secret), hash(secret));
  assertNotEquals(hash(secret), hash(other));
});

Deno.test("FieldHasher hashes fields that are frozen once", () => {
  const hasher = new FieldHasher({ names, secret });
  const fields = Object.freeze({ keys: ["a"] });
  assertEquals(hasher.apply(fields) === hasher.apply(fields), true);
  const loose = { keys: ["a"] };
  hasher.apply(loose);
  loose.keys.push("b");
  assertEquals((hasher.apply(loose)["keys"] as string[]).length, 2);
});
