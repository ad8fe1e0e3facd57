import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { scrub, scrubError, textsIn } from "./scrub.ts";

const encoder = new TextEncoder();

const CASES: readonly [
  name: string,
  text: string,
  shown: string,
  want: string,
][] = [
  [
    "a value that the runtime quotes",
    "Unexpected token 'h', \"hunter2-hunter3\" is not valid JSON",
    "set a 0 0 15\r\nhunter2-hunter3\r\n",
    "Unexpected token 'h', \"…\" is not valid JSON",
  ],
  ["a part of one", "no hunter2-hun…", "hunter2-hunter3", "no ……"],
  ["another case", "no HUNTER2-HUNTER3", "hunter2-hunter3", "no …"],
  [
    "letters beyond ASCII",
    "no größte-geheimnisse",
    "größte-geheimnisse",
    "no …",
  ],
  [
    "short words of both",
    "touch is not written",
    "touch key 1\r\n",
    "touch is not written",
  ],
  ["nothing shown", "boom", "", "boom"],
];

for (const [name, text, shown, want] of CASES) {
  Deno.test(`scrub() leaves out quotes: ${name}`, () => {
    assertEquals(scrub(text, encoder.encode(shown)), want);
  });
}

Deno.test("scrub() quotes nothing where there is too much to look through", () => {
  const shown = new Uint8Array(2 * 1024 * 1024);
  assertEquals(scrub("boom", shown), "(its text may quote what was read)");
});

Deno.test("scrub() leaves no eight bytes in a row of what was shown, and lets what is foreign to it stand", () => {
  const piece = fc.string({
    minLength: 8,
    maxLength: 40,
    unit: "binary-ascii",
  });
  fc.assert(fc.property(piece, piece, piece, (before, secret, behind) => {
    const shown = encoder.encode(secret);
    const said = scrub(`${before}${secret}${behind}`, shown).toLowerCase();
    for (let at = 0; at + 8 <= secret.length; at++) {
      assert(!said.includes(secret.slice(at, at + 8).toLowerCase()));
    }
    const foreign = encoder.encode("\u{1F512}".repeat(8));
    assertEquals(scrub(secret, foreign), secret);
  }));
});

Deno.test("scrubError() keeps where it was thrown", () => {
  const error = scrubError(
    new Error("no hunter2-hunter3"),
    encoder.encode("hunter2-hunter3"),
  );
  assert(error instanceof Error);
  assertEquals(error.message, "no …");
  assert(/scrub_test\.ts:\d+/.test(error.stack!));
  assert(!error.stack!.includes("hunter"));
});

Deno.test("textsIn() finds texts and bytes wherever plain data has them", () => {
  const data = {
    a: "one",
    b: [
      new Map([["two", new Set(["three"])]]),
      encoder.encode("four"),
      5,
      null,
    ],
  };
  const text = new TextDecoder().decode(textsIn(data));
  for (const word of ["one", "two", "three", "four"]) {
    assert(text.includes(word));
  }
});
