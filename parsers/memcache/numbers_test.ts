import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { isPlain, isSigned, isUnsigned, signed32 } from "./numbers.ts";

/** How C's `strtol` and `strtoul` and memcached's checks over them read a word. */
const WORDS: [word: string, unsigned: boolean, signed: number | undefined][] = [
  ["0", true, 0],
  ["5", true, 5],
  ["007", true, 7],
  ["+5", true, 5],
  ["-5", false, -5],
  ["-0", true, 0],
  ["", false, undefined],
  ["+", false, undefined],
  ["-", false, undefined],
  ["+-5", false, undefined],
  ["--5", false, undefined],
  ["x", false, undefined],
  ["5x", false, undefined],
  ["5.0", false, undefined],
  ["5-", false, undefined],
  ["0x10", false, undefined],
  ["1e3", false, undefined],
  ["1_000", false, undefined],
  ["5\u00a0", false, undefined],
  ["\u00a05", false, undefined],
  ["٣", false, undefined],
  // White space that is not a space: before the sign, and behind the digits.
  ["\t5", true, 5],
  ["\v\f\r+5", true, 5],
  ["\t-5", false, -5],
  ["-\t5", false, undefined],
  ["\t", false, undefined],
  ["5\t", true, 5],
  ["5\r", true, 5],
  ["5\vanything", true, 5],
  ["5\f-", true, 5],
  // ERANGE: at both ends of 64 bits.
  ["9223372036854775807", true, -1],
  ["9223372036854775808", true, undefined],
  ["-9223372036854775808", false, 0],
  ["-9223372036854775809", true, undefined],
  ["18446744073709551615", true, undefined],
  ["18446744073709551616", false, undefined],
  ["99999999999999999999", false, undefined],
  ["100000000000000000000", false, undefined],
  // C makes 1 of this; the server minds a minus sign, wherever it stands, only where the result is large.
  ["-18446744073709551615", true, undefined],
  ["-18446744073709551616", false, undefined],
  ["18446744073709551615\t-", false, undefined],
  // A signed number is cut to its low 32 bits.
  ["2147483647", true, 2147483647],
  ["2147483648", true, -2147483648],
  ["4294967295", true, -1],
  ["4294967296", true, 0],
  ["4294967301", true, 5],
  ["-4294967291", false, 5],
  ["-2147483649", false, 2147483647],
  ["00000000000000000000000000000000012", true, 12],
  ["-00000000000000000000000000000000012", false, -12],
];

for (const [word, unsigned, signed] of WORDS) {
  Deno.test(`numbers read ${JSON.stringify(word)} as the server does`, () => {
    assertEquals(
      { unsigned: isUnsigned(word), signed: signed32(word) },
      { unsigned, signed },
    );
    assertEquals(isSigned(word), signed !== undefined);
  });
}

Deno.test("numbers call plain what no server could read otherwise", () => {
  const plain = WORDS.map(([word]) => word).filter(isPlain);
  assertEquals(plain, ["0", "5", "007"]);
  assertEquals(
    ["123456789", "1234567890", "1\n"].map(isPlain),
    [true, false, false],
  );
});

Deno.test("numbers read a word of a million digits in linear time", () => {
  const started = performance.now(); // some milliseconds; in quadratic time, many minutes
  for (const digit of ["1", "0"]) {
    const word = digit.repeat(1_000_000);
    assertEquals(isUnsigned(word), digit === "0");
    assertEquals(isSigned(`${word}x`), false);
  }
  assertEquals(performance.now() - started < 60_000, true);
});
