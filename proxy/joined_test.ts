import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Joined } from "./joined.ts";

Deno.test("Joined answers all who ask before it begins with one piece of work, and who asks later with another", async () => {
  let made = 0;
  const joined = new Joined(() => Promise.resolve(++made), 20);
  assertEquals(await Promise.all([joined.get(), joined.get()]), [1, 1]);
  const [second, same] = [joined.get(), joined.get()];
  assertEquals(await Promise.all([second, same]), [2, 2]);
  assertEquals(await joined.get(), 3);
});

Deno.test("Joined begins new work for who asks while the work before is under way", async () => {
  const works: PromiseWithResolvers<string>[] = [];
  const begun = Promise.withResolvers<void>();
  const joined = new Joined(() => {
    const work = Promise.withResolvers<string>();
    works.push(work);
    if (works.length === 2) begun.resolve();
    return work.promise;
  }, 1);
  const first = joined.get();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(works.length, 1);
  const second = joined.get();
  await begun.promise;
  works[1]!.resolve("second");
  works[0]!.resolve("first");
  assertEquals(await Promise.all([first, second]), ["first", "second"]);
});

Deno.test("Joined fails those who waited, and nobody after them", async () => {
  let made = 0;
  const joined = new Joined(
    () =>
      ++made === 1 ? Promise.reject(new Error("no")) : Promise.resolve(made),
    1,
  );
  const [first] = await Promise.allSettled([joined.get()]);
  assertEquals(first!.status, "rejected");
  assertEquals(await joined.get(), 2);
});
