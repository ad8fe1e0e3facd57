import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { createStore, SharedStores } from "./shared.ts";

Deno.test("SharedStores gives one store to all connections of a parser and upstream, and no other", () => {
  const stores = new SharedStores();
  stores.of("cassandra", "127.0.0.1:9042").set("id", "text");
  assertEquals(stores.of("cassandra", "127.0.0.1:9042").get("id"), "text");
  assertEquals(stores.of("cassandra", "127.0.0.2:9042").get("id"), undefined);
  assertEquals(stores.of("memcache", "127.0.0.1:9042").get("id"), undefined);
});

Deno.test("SharedStores keeps a bounded number of stores", () => {
  const stores = new SharedStores();
  const names = Array.from({ length: 200 }, (_, i) => `127.0.0.1:${i}`);
  for (const name of names) stores.of("p", name).set("k", "v");
  const kept = names.filter((name) => stores.of("p", name).get("k"));
  assertEquals(kept.length < 60, true);
});

Deno.test("createStore() bounds what is kept", () => {
  const store = createStore(10_000);
  for (let i = 0; i < 1000; i++) store.set(`k${i}`, "x".repeat(100));
  const kept = Array.from({ length: 1000 }, (_, i) => store.get(`k${i}`))
    .filter((value) => value !== undefined);
  assertEquals(kept.length > 0 && kept.length < 60, true);
});

Deno.test("createStore() takes nothing but texts from a parser, nor lets it change the store's functions", () => {
  const store = createStore(10_000);
  for (const value of [{}, 1, undefined, ["a"]]) {
    throws(() => store.set("k", value as unknown as string), TypeError);
    throws(() => store.set(value as unknown as string, "v"), TypeError);
  }
  throws(() => {
    (store as { get: unknown }).get = () => "mine";
  }, TypeError);
});
