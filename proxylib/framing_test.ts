import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { fixed, lengthPrefixed, line, unsigned } from "./framing.ts";
import { bytes } from "./text.ts";
import { error, more, pass, type Verdict } from "./verdict.ts";

const TOO_LONG = error("frame-length");

const LINES: [name: string, data: string, seen: number, want: Verdict][] = [
  ["waits for more when empty", "", 0, more(1)],
  ["waits for the LF", "abc", 0, more(1)],
  ["ends at the LF, LF included", "abc\n", 0, pass(4)],
  ["ends at the first of two", "a\nb\n", 0, pass(2)],
  ["takes an empty line", "\n", 0, pass(1)],
  ["searches from where it was", "abc\n", 3, pass(4)],
  ["does not search what was seen", "a\nb\n", 2, pass(4)],
  ["takes the longest line allowed", "1234567\n", 0, pass(8)],
  ["refuses a longer one, whole", "12345678\n", 0, TOO_LONG],
  ["waits just below the limit", "1234567", 7, more(1)],
  ["refuses at the limit, LF or not", "12345678", 7, TOO_LONG],
];

for (const [name, data, seen, want] of LINES) {
  Deno.test(`line() ${name}`, () => {
    assertEquals(line(bytes(data), seen, 8), want);
  });
}

Deno.test("fixed() counts what is missing", () => {
  assertEquals(fixed(bytes(""), 4), more(4));
  assertEquals(fixed(bytes("abc"), 4), more(1));
  assertEquals(fixed(bytes("abcd"), 4), pass(4));
  assertEquals(fixed(bytes("abcde"), 4), pass(4));
});

const FIELD = { offset: 1, size: 2, adjust: 3, max: 300 } as const;
const FRAMES: [name: string, data: number[], want: Verdict][] = [
  ["waits for the whole header at once", [], more(3)],
  ["waits for the rest of the header", [9, 0], more(1)],
  ["waits for the body", [9, 0, 2, 7], more(1)],
  ["passes a whole frame", [9, 0, 2, 7, 7], pass(5)],
  ["leaves the next frame alone", [9, 0, 1, 7, 9, 0], pass(4)],
  ["takes a frame that is all header", [9, 0, 0], pass(3)],
  ["reads big endian", [9, 1, 0], more(256)],
  ["refuses a frame past the limit", [9, 1, 42], TOO_LONG],
  ["takes one at the limit", [9, 1, 41], more(297)],
];

for (const [name, data, want] of FRAMES) {
  Deno.test(`lengthPrefixed() ${name}`, () => {
    assertEquals(lengthPrefixed(Uint8Array.from(data), FIELD), want);
  });
}

Deno.test("lengthPrefixed() refuses a frame that ends inside its header", () => {
  const field = { offset: 0, size: 1, adjust: 0, max: 300 } as const;
  assertEquals(lengthPrefixed(Uint8Array.of(0), field), TOO_LONG);
  assertEquals(lengthPrefixed(Uint8Array.of(1), field), pass(1));
});

Deno.test("unsigned() does not turn negative at 32 bits", () => {
  assertEquals(
    unsigned(Uint8Array.of(0, 255, 255, 255, 254), 1, 4),
    2 ** 32 - 2,
  );
});
