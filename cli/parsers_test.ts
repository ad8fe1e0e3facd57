/** `parley parsers list` and `parley parsers test`. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { parley, type Ran, withFiles } from "./capture_test.ts";

const hex = (text: string) => new TextEncoder().encode(text).toHex();

/** A vector of r2d2: READ alone is allowed. */
function vector(
  name: string,
  sent: string,
  forwarded: string,
  l7proto = "r2d2",
): string {
  return JSON.stringify({
    name,
    l7proto,
    rules: [{ cmd: "READ" }],
    steps: [{ data: hex(sent) }],
    expect: [{ out: hex(forwarded) }],
  });
}

const RIGHT = vector("passes READ", "READ a\r\n", "READ a\r\n");
const WRONG = vector("passes HALT", "HALT\r\n", "HALT\r\n");
const MINE = Deno.readTextFileSync(
  new URL("../parsers/r2d2.ts", import.meta.url),
);

const VECTORS: readonly {
  readonly name: string;
  readonly text: string;
  readonly exit: number;
  readonly last: string;
  readonly says?: RegExp;
}[] = [
  {
    name: "that hold",
    text: `${RIGHT}\n\n${RIGHT}\n`,
    exit: 0,
    last: "2 passed, 0 failed",
    says: /^ok +passes READ$/m,
  },
  {
    name: "of which one does not",
    text: `${RIGHT}\n${WRONG}`,
    exit: 1,
    last: "1 passed, 1 failed",
    says: /^FAILED +passes HALT\n {2}\S/m,
  },
  {
    name: "of another protocol",
    text: vector("other", "x", "x", "memcache"),
    exit: 1,
    last: "0 passed, 1 failed",
    says: /it is for l7proto memcache, not r2d2/,
  },
  {
    name: "with a rule that the parser refuses",
    text: RIGHT.replace('"READ"', '"READY"'),
    exit: 1,
    last: "0 passed, 1 failed",
    says: /cannot be run: .*READY/s,
  },
  { name: "that are none", text: "\n\n", exit: 0, last: "0 passed, 0 failed" },
];

for (const { name, text, exit, last, says } of VECTORS) {
  Deno.test(`parley parsers test with vectors ${name} ends with ${last}`, () =>
    withFiles({ "v.jsonl": text }, async (folder) => {
      const file = `${folder}/v.jsonl`;
      const ran = await parley("parsers", "test", "r2d2", "--vectors", file);
      assertEquals([ran.exit, ran.lines.at(-1)], [exit, last], ran.err);
      if (says) assertMatch(ran.out, says);
    }));
}

Deno.test("parley parsers test of every parser with vectors passes them", async () => {
  for (const name of ["r2d2", "line", "block", "header", "passer"]) {
    const { exit, lines } = await parley("parsers", "test", name);
    assertEquals(exit, 0, lines.join("\n"));
    assertMatch(lines.at(-1)!, /^[1-9]\d* passed, 0 failed$/);
  }
});

const FAILURES: readonly {
  readonly name: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args: (folder: string) => readonly string[];
  readonly exit: number;
  readonly err: RegExp;
}[] = [
  {
    name: "a line that is no JSON",
    files: { "v.jsonl": `${RIGHT}\n{"name": \n` },
    args: (folder) => ["r2d2", "--vectors", `${folder}/v.jsonl`],
    exit: 1,
    err: /v\.jsonl:2: not JSON/,
  },
  {
    name: "a line with a wrong member",
    files: { "v.jsonl": RIGHT.replace(/"data":"[^"]*"/, '"data":"xyz"') },
    args: (folder) => ["r2d2", "--vectors", `${folder}/v.jsonl`],
    exit: 1,
    err: /v\.jsonl:1, steps\.0\.data: expected pairs of hex digits/,
  },
  {
    name: "a file that is not there",
    args: () => ["r2d2", "--vectors", "/nowhere/v.jsonl"],
    exit: 2,
    err: /cannot read \/nowhere\/v\.jsonl/,
  },
  {
    name: "a parser that ships none",
    files: { "mine.ts": MINE },
    args: (folder) => ["mine", "--folder", folder],
    exit: 2,
    err:
      /mine ships no vectors \(.*mine\.vectors\.jsonl\); name a file with --vectors/,
  },
  {
    name: "a name that is nearly right",
    args: () => ["r2d3"],
    exit: 2,
    err: /no parser is named "r2d3"; write "r2d2"/,
  },
  {
    name: "a name that is not right at all",
    args: () => ["klingon"],
    exit: 2,
    err: /no parser is named "klingon"; there are .*memcache/,
  },
  {
    name: "a parser that does not load",
    files: { "mine.ts": "\nexport default {;\n" },
    args: (folder) => ["mine", "--folder", folder],
    exit: 1,
    err: /mine\.ts:2:17: /,
  },
];

for (const { name, files = {}, args, exit, err } of FAILURES) {
  Deno.test(`parley parsers test with ${name} exits ${exit}`, () =>
    withFiles(files, async (folder) => {
      const ran = await parley("parsers", "test", ...args(folder));
      assertEquals([ran.exit, ran.out], [exit, ""], ran.err);
      assertMatch(ran.err, err);
      assert(!/at .*\.ts:\d+:\d+\)?$/m.test(ran.err), "a stack is no message");
    }));
}

Deno.test("parley parsers test finds vectors beside a file and inside a folder", () =>
  withFiles({
    "one.ts": MINE,
    "one.vectors.jsonl": RIGHT.replace("r2d2", "one"),
    "two/mod.ts": MINE,
    "two/vectors.jsonl": RIGHT.replace("r2d2", "two"),
  }, async (folder) => {
    for (const name of ["one", "two"]) {
      const ran = await parley("parsers", "test", name, "--folder", folder);
      assertEquals(ran.lines.at(-1), "1 passed, 0 failed", ran.err);
    }
  }));

function list(ran: Ran): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    (JSON.parse(ran.out) as { name: string }[]).map((entry) => [
      entry.name,
      entry,
    ]),
  );
}

Deno.test("parley parsers list --json lists every parser with its version", async () => {
  // Whatever sidecars run on this machine.
  const ran = await parley("parsers", "list", "--json", "--folder", "/none");
  assertEquals(ran.exit, 0);
  const parsers = list(ran);
  for (
    const name of ["memcache", "r2d2", "passer", "line", "block", "header"]
  ) {
    const { version, builtIn, file, description } = parsers[name]!;
    assertMatch(String(version), /^[0-9a-f]{6}$/);
    assertEquals(builtIn, true);
    assertMatch(String(file), new RegExp(`/parsers/${name}(/mod)?\\.ts$`));
    assert(description);
  }
});

Deno.test("parley parsers list shows one's own parsers, and exits 1 if one does not load", () =>
  withFiles({
    "own/r2d2.ts": MINE,
    "bad/broken.ts": "export default {};\n",
  }, async (folder) => {
    const own = ["--folder", `${folder}/own`];
    const good = await parley("parsers", "list", "--json", ...own);
    assertEquals(good.exit, 0);
    const { builtIn, file } = list(good)["r2d2"]!;
    assertEquals([builtIn, file], [false, `${folder}/own/r2d2.ts`]);

    const both = [...own, "--folder", `${folder}/bad`];
    const json = await parley("parsers", "list", "--json", ...both);
    assertEquals(json.exit, 1);
    const { refused, version } = list(json)["broken"]!;
    assertMatch(String(refused), /"create" is missing/);
    assertEquals(version, undefined);

    const text = await parley("parsers", "list", ...both);
    assertEquals(text.exit, 1);
    assertMatch(text.lines[0]!, /^NAME +VERSION +FROM +DESCRIPTION$/);
    assertMatch(text.out, /^broken +- +.*broken\.ts +refused: /m);
    assertMatch(text.out, /^memcache +[0-9a-f]{6} +built in +memcached/m);
  }));
