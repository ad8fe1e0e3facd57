import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { bytes } from "../text.ts";
import { readVectors, toBytes } from "./case.ts";

const ROW = {
  name: "n",
  l7proto: "p",
  rules: [{ a: "b" }],
  steps: [{ data: "6162" }],
};

Deno.test("readVectors reads rows, skips empty lines and fills in defaults", () => {
  const text = `\n${JSON.stringify(ROW)}\n\n${
    JSON.stringify({
      ...ROW,
      rules: null,
      expect: [{ out: "" }],
      absent: { forward: ["FF"] },
      note: "kept out",
    })
  }\n`;
  const step = { reply: false, end: false, data: bytes("ab") };
  assertEquals(readVectors("f", text), [
    { ...ROW, steps: [step] },
    {
      ...ROW,
      rules: null,
      steps: [step],
      expect: [{ out: new Uint8Array(0) }],
      absent: { forward: [Uint8Array.of(255)] },
    },
  ]);
});

const BAD: [name: string, row: string, message: RegExp][] = [
  ["a row that is not JSON", "{", /the vector at f:2: not JSON/],
  [
    "odd hex",
    JSON.stringify({ ...ROW, steps: [{ data: "616" }] }),
    /f:2, steps\.0\.data: expected pairs of hex/,
  ],
  [
    "missing rules",
    JSON.stringify({ ...ROW, rules: undefined }),
    /f:2, rules: /,
  ],
  [
    "a rule value that is no text",
    JSON.stringify({ ...ROW, rules: [{ a: 1 }] }),
    /f:2, rules\.0\.a: /,
  ],
];

for (const [name, row, message] of BAD) {
  Deno.test(`readVectors names file, line and member of ${name}`, () => {
    throws(() => readVectors("f", `${JSON.stringify(ROW)}\n${row}`), message);
  });
}

Deno.test("toBytes takes a text for its UTF-8 bytes", () => {
  assertEquals(toBytes("é"), Uint8Array.of(0xc3, 0xa9));
});
