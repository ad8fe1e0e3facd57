import {
  deepStrictEqual as assertEquals,
  rejects as assertRejects,
} from "node:assert/strict";
import { TooManyWait, Turns } from "./turns.ts";

Deno.test("Turns: one after the other, and no more wait than may", async () => {
  const turns = new Turns(2);
  const first = Promise.withResolvers<void>();
  const done: string[] = [];
  const one = turns.take(async () => {
    await first.promise;
    done.push("one");
  });
  const two = turns.take(() => Promise.resolve(done.push("two")));
  await assertRejects(turns.take(() => Promise.resolve()), TooManyWait);
  first.resolve();
  await Promise.all([one, two]);
  assertEquals(done, ["one", "two"]);
  const failing = turns.take(() => Promise.reject(new Error("it failed")));
  await assertRejects(failing, /it failed/);
  await turns.take(() => Promise.resolve(done.push("three")));
  assertEquals(done, ["one", "two", "three"]);
});

Deno.test("Turns: what nobody waits for any more is not begun", async () => {
  const turns = new Turns();
  const first = Promise.withResolvers<void>();
  const one = turns.take(() => first.promise);
  const given = new AbortController();
  let isBegun = false;
  const two = turns.take(() => {
    isBegun = true;
    return Promise.resolve();
  }, given.signal);
  given.abort();
  first.resolve();
  await one;
  await assertRejects(two, { name: "AbortError" });
  assertEquals(isBegun, false);
});

Deno.test("Turns: nothing is begun after the stop", async () => {
  const turns = new Turns();
  turns.stop();
  await assertRejects(turns.take(() => Promise.resolve()), /is stopping/);
  await turns.done();
});
