import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { testParser } from "parley/testkit";
import c3po from "./c3po.ts";

testParser("c3po", c3po, [
  {
    name: "finds the name anywhere in a line, but as it is written",
    steps: [{ data: "C-3PO\nxC-3POx\nc-3po\nC-3\nPO\n" }],
    total: { forward: "c-3po\nC-3\nPO\n", reply: "", closed: false },
  },
  {
    name: "puts the other lines to the policy",
    rules: [{ contains: "é" }],
    steps: [{ data: "é\ne\né C-3PO\n" }],
    total: { forward: "é\n" },
  },
  {
    name: "closes on a line without an end",
    steps: [{ data: "x".repeat(4097) }],
    expect: [{ out: "", closed: true, log: [{ reason: "frame-length" }] }],
  },
]);

Deno.test("c3po imports nothing but parley/proxylib", async () => {
  const source = await Deno.readTextFile(
    new URL("./c3po.ts", import.meta.url),
  );
  const imported = [...source.matchAll(/from "([^"]+)"/g)].map(([, from]) =>
    from
  );
  assertEquals(imported, ["parley/proxylib"]);
});
