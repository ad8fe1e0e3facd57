import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { type FollowerGroup, Followers, TooManyFilters } from "./followers.ts";

function followers() {
  const groups: FollowerGroup[] = [];
  const over: FollowerGroup[] = [];
  const all = new Followers(
    (group) => groups.push(group),
    (group) => over.push(group),
  );
  return { all, groups, over };
}

const LINE = "x".repeat(1000);

Deno.test("those who want the same are one group, from the first to the last", async () => {
  const { all, groups, over } = followers();
  const [one, other] = [
    all.add({ verdict: "denied" }),
    all.add({ verdict: "denied" }),
  ];
  all.add({});
  assertEquals(groups.map(({ filter }) => filter), [{ verdict: "denied" }, {}]);
  groups[0]!.take(["a"]);
  assertEquals(await one.next(), { dropped: 0, lines: ["a"], size: 1 });
  assertEquals((await other.next())!.lines, ["a"]);
  one[Symbol.dispose]();
  assertEquals(over, []);
  other[Symbol.dispose]();
  other[Symbol.dispose]();
  assertEquals(over, [groups[0]]);
});

Deno.test("who is slow loses the newest lines, and is told how many before the next ones; others lose none", async () => {
  const { all, groups } = followers();
  const [slow, quick] = [all.add({}), all.add({})];
  let read = 0;
  for (let i = 0; i < 1000; i++) {
    groups[0]!.take([LINE, LINE]);
    read += (await quick.next())!.lines.length;
  }
  assertEquals(read, 2000);
  let shown = 0;
  let batch = await slow.next();
  assertEquals(batch!.dropped, 0);
  for (; batch!.dropped === 0; batch = await slow.next()) {
    shown += batch!.lines.length;
  }
  assert(shown < 300, `${shown} lines were kept`);
  assertEquals(shown + batch!.dropped, 2000);
  groups[0]!.take(["behind"]);
  assertEquals((await slow.next())!.lines, ["behind"]);
});

Deno.test("lines that never came are told to all of a group", async () => {
  const { all, groups } = followers();
  const [one, other] = [all.add({}), all.add({})];
  const waiting = one.next();
  groups[0]!.lose(3);
  assertEquals(await waiting, { dropped: 3, lines: [] });
  groups[0]!.take(["a"]);
  const { dropped, lines } = (await other.next())!;
  assertEquals([dropped, lines], [3, ["a"]]);
});

Deno.test("a line is taken when nothing waits, however long it is", async () => {
  const { all, groups } = followers();
  const follower = all.add({});
  const long = "x".repeat(1024 * 1024);
  groups[0]!.take([long]);
  assertEquals((await follower.next())!.lines, [long]);
});

Deno.test("when no more lines come, what waits is read, and then nothing; who comes later gets nothing", async () => {
  const { all, groups } = followers();
  const follower = all.add({});
  groups[0]!.take(["a"]);
  all.close();
  assertEquals((await follower.next())!.lines, ["a"]);
  assertEquals(await follower.next(), undefined);
  assertEquals(await all.add({}).next(), undefined);
});

Deno.test("there are so many different filters at a time", () => {
  const { all } = followers();
  const some = Array.from(
    { length: 32 },
    (_, i) => all.add({ l7proto: `${i}` }),
  );
  assertThrows(() => all.add({ l7proto: "more" }), TooManyFilters);
  all.add({ l7proto: "1" });
  some[0]![Symbol.dispose]();
  all.add({ l7proto: "more" });
});
