/** Which version is to be withdrawn, for which other one, and what is counted of each. */
import {
  deepStrictEqual as assertEquals,
  notDeepStrictEqual as assertNotEquals,
} from "node:assert/strict";
import type { ParserVersion } from "../control/messages.ts";
import { CRASH_LOOP, Versions } from "./versions.ts";

function parser(name: string, version: string): ParserVersion {
  return {
    name,
    version,
    folder: "/parsers",
    entry: `${name}.ts`,
    snapshot: `/snapshots/${name}-${version}`,
  };
}

const [A, B, C] = ["aaaaaa", "bbbbbb", "cccccc"].map((version) =>
  parser("p", version)
) as [ParserVersion, ParserVersion, ParserVersion];

/** Publishes these, one after the other; their numbers. */
function published(versions: Versions, ...each: ParserVersion[]): number[] {
  return each.map((version) => versions.numbered([version])[0]!.number);
}

/** Whether any of so many panics, evenly spread over this time, is one too many. */
function crashes(versions: Versions, number: number, ms: number): boolean {
  const { panics } = CRASH_LOOP;
  const told = Array.from(
    { length: panics },
    (_, i) => versions.panicked(number, 1000 + i * ms / (panics - 1)),
  );
  return told.includes(true);
}

Deno.test("a version keeps its number, also when it comes back; no other has it", () => {
  const versions = new Versions();
  const [a, b, again] = published(versions, A, B, { ...A });
  assertEquals(again, a);
  assertNotEquals(b, a);
  assertEquals(versions.text(a!), "p@aaaaaa");
  assertEquals(versions.text(99), "a parser that was never published");
  assertEquals(versions.text(0), "a parser that was never published");
});

Deno.test("panics that come fast, before it ever served, are a crash loop", () => {
  const versions = new Versions();
  const [, b] = published(versions, A, B);
  assertEquals(crashes(versions, b!, CRASH_LOOP.within - 1), true);
});

Deno.test("panics that come slowly are none", () => {
  const versions = new Versions();
  const [, b] = published(versions, A, B);
  assertEquals(crashes(versions, b!, CRASH_LOOP.within + 1), false);
});

Deno.test("a version that has served in any worker is never withdrawn", () => {
  const versions = new Versions();
  const [, b] = published(versions, A, B);
  versions.served([b!]);
  versions.served([]); // the others have nothing to tell
  assertEquals(crashes(versions, b!, 10), false);
});

Deno.test("that it served is heard of in time, if it is before it is withdrawn", () => {
  const versions = new Versions();
  const [, b] = published(versions, A, B);
  assertEquals(crashes(versions, b!, 10), true);
  versions.served([b!]);
  assertEquals(versions.isCrashing(b!), false);
});

Deno.test("it is withdrawn once", () => {
  const versions = new Versions();
  const [, b] = published(versions, A, B);
  crashes(versions, b!, 10);
  versions.withdraw(b!);
  assertEquals(versions.isCrashing(b!), false);
});

Deno.test("lastGood() is the latest that served, else the latest that was not withdrawn", () => {
  const versions = new Versions();
  const [a, b, c] = published(versions, A, B, C) as [number, number, number];
  const other = published(versions, parser("q", "dddddd"))[0]!;
  assertEquals(versions.lastGood(c)?.version, "bbbbbb");
  versions.withdraw(b);
  assertEquals(versions.lastGood(c)?.version, "aaaaaa");
  published(versions, B, C);
  versions.served([a]);
  assertEquals(versions.lastGood(c)?.version, "aaaaaa");
  assertEquals(versions.lastGood(other), undefined);
});

Deno.test("of what was never published nothing is counted", () => {
  const versions = new Versions();
  versions.served([5]);
  assertEquals(versions.panicked(5, 0), false);
});
