/** How far a cluster is followed, and how long ago it was heard of. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { STALE_MS, Watched } from "./watched.ts";

Deno.test("a state has in it what was read, and all that was read to its end", () => {
  const watched = new Watched();
  const pods = watched.watch("pods");
  assertEquals(watched.versions, {});
  pods.reads("7"); // the first page of a list
  pods.reads("10");
  assertEquals(watched.versions, {});
  pods.has("10");
  assertEquals(watched.versions, { pods: ["10", "10"] });
  pods.has("42"); // a bookmark
  assertEquals(watched.versions, { pods: ["10", "42"] });
  pods.reads("8"); // another list, which may end half-way
  pods.reads("50");
  pods.reads("9");
  assertEquals(watched.versions, { pods: ["50", "42"] });
  pods.has("60");
  assertEquals(watched.versions, { pods: ["50", "60"] });
});

Deno.test("a cluster that was restored is followed from where it was", () => {
  const watched = new Watched();
  const pods = watched.watch("pods");
  pods.reads("100");
  pods.has("110");
  pods.reads("20");
  pods.has("30");
  assertEquals(watched.versions, { pods: ["30", "30"] });
});

Deno.test("of a collection that several watch, each a part, what all have in them counts", () => {
  const watched = new Watched();
  const [one, other] = [watched.watch("a"), watched.watch("a")];
  one.reads("9");
  one.has("10");
  assertEquals(watched.versions, {});
  other.reads("7");
  other.has("8");
  assertEquals(watched.versions, { a: ["9", "8"] });
  other[Symbol.dispose]();
  assertEquals(watched.versions, { a: ["9", "10"] });
  one[Symbol.dispose]();
  assertEquals([watched.versions, watched.ages], [{}, {}]);
});

Deno.test("versions that cannot be compared are not told", () => {
  const watched = new Watched();
  const things = watched.watch("things");
  things.reads("a1");
  things.has("a1");
  assertEquals(watched.versions, {});
});

Deno.test("whatever is not heard of for too long is told of", () => {
  let now = 0;
  const watched = new Watched(() => now);
  const [pods, services] = [watched.watch("pods"), watched.watch("services")];
  now = STALE_MS;
  assertEquals([watched.stale, watched.ages["pods"]], [undefined, STALE_MS]);
  pods.has("1");
  now += 1000;
  assertEquals(watched.stale, "services, for 241 s");
  services.reads("1");
  assertEquals(watched.stale, undefined);
  assertEquals(watched.ages, { pods: 1000, services: 0 });
});
