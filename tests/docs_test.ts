/** What the documentation shows does what the documentation says. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { z } from "parley/proxylib";
import { Bench, l7 } from "../proxy/session/session_bench_test.ts";

const GUIDE = new URL("../docs/parsers.md", import.meta.url);

/** The code block of the authors' guide that begins so. */
async function block(begin: string): Promise<string> {
  const text = await Deno.readTextFile(GUIDE);
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)];
  const found = blocks.find(([, code]) => code!.startsWith(begin));
  if (!found) throw new Error(`no code block begins with ${begin}`);
  return found[1]!;
}

/** What a module exports. */
async function evaluate(code: string) {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, code);
    return (await import(`file://${path}`)).default;
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("docs/parsers.md: the quota of a connection goes on under the next version", async () => {
  const code = await block("// parsers/quota.ts");
  const [first, next] = [await evaluate(code), await evaluate(code)];
  const it = new Bench({
    yaml: l7("quota", '[ { atMost: "3" } ]'),
    definitions: { quota: first },
  });
  it.session.admit();
  it.feed(">a\n", ">b\n", ">c");
  it.serve("quota", "def456", next);
  it.feed(">\n", ">d\n", "<r\n");
  assertEquals(it.out, [">a\n", ">b\n", ">c\n", "<r\n"]);
  assertEquals(
    it.lines.map(({ verdict, parser, fields }) => [verdict, parser, fields]),
    [
      ["forwarded", "quota@abc123", { line: 1 }],
      ["forwarded", "quota@abc123", { line: 2 }],
      ["forwarded", "quota@def456", { line: 3 }],
      ["denied", "quota@def456", { line: 4 }],
    ],
  );
});

Deno.test("docs/parsers.md: a quota does not go on where something else was remembered", async () => {
  const code = await block("// parsers/quota.ts");
  const other = code.replace("{ lines: this.#lines }", '{ lines: "many" }');
  const it = new Bench({
    l7proto: "quota",
    definitions: { quota: await evaluate(other) },
  });
  it.session.admit();
  it.feed(">a\n");
  it.serve("quota", "def456", await evaluate(code));
  it.feed(">b\n");
  assertEquals(it.lines.map(({ parser }) => parser), [
    "quota@abc123",
    "quota@abc123",
  ]);
  assertEquals(it.unrestored, 1);
});

Deno.test("docs/parsers.md: a state of another form is made of the old one", async () => {
  const code = await block("state: () => ({ user");
  const spec = await evaluate(
    `import { z } from "parley/proxylib";\nexport default {\n${code}};`,
  );
  const remembered = { state: { user: "luke" }, requests: ["a"] };
  assertEquals(spec.restore(remembered, "abc123"), {
    state: { user: "luke", failures: 0 },
    requests: ["a"],
  });
  const { failures } = spec.state();
  assertEquals(failures, 0);
  let thrown: unknown;
  try {
    spec.restore({ state: { name: "luke" }, requests: [] }, "abc123");
  } catch (error) {
    thrown = error;
  }
  assertEquals(thrown instanceof z.ZodError, true);
});
