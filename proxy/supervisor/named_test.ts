/** Which built-in parsers a policy needs loaded. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { parse } from "yaml";
import { namedIn } from "./named.ts";

const CASES: readonly {
  readonly title: string;
  readonly text: string;
  readonly named: boolean;
}[] = [
  { title: "a plain name", text: "l7proto: memcache", named: true },
  { title: "a quoted name", text: `l7proto: "memcache"`, named: true },
  { title: "JSON", text: `{"l7proto":"memcache"}`, named: true },
  { title: "a name in a comment", text: "# memcache", named: true },
  { title: "another name", text: "l7proto: cassandra", named: false },
  {
    title: "a regular expression",
    text: String.raw`a: 'b\..*\d'`,
    named: false,
  },
  { title: "nothing", text: "", named: false },
  {
    title: "an escape by two digits",
    text: String.raw`l7proto: "\x6demcache"`,
    named: true,
  },
  {
    title: "one by four",
    text: String.raw`l7proto: "\u006demcache"`,
    named: true,
  },
  {
    title: "one by eight",
    text: String.raw`l7proto: "\U0000006demcache"`,
    named: true,
  },
  {
    title: "a word on two lines",
    text: `l7proto: "mem\\\n  cache"`,
    named: true,
  },
  {
    title: "one with line ends of another system",
    text: `l7proto: "mem\\\r\n  cache"`,
    named: true,
  },
];

for (const { title, text, named } of CASES) {
  Deno.test(`namedIn(): ${title}`, () => {
    assertEquals(namedIn([text])("memcache"), named);
    // What the YAML reader finds must be found.
    const { l7proto } = parse(text) ?? {};
    if (l7proto === "memcache") assertEquals(named, true);
  });
}

Deno.test("namedIn(): one text of many is enough", () => {
  assertEquals(namedIn(["a", "l7proto: r2d2"])("r2d2"), true);
});
