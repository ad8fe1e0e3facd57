import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import {
  bytes,
  fromLatin1,
  fromPrintable,
  isAscii,
  latin1,
  printable,
} from "./text.ts";

const RUNS = { seed: 7, numRuns: 300 };

Deno.test("latin1() and fromLatin1() undo each other at any length", () => {
  for (const length of [0, 1, 255, 256, 257, 8192, 8193, 20_000]) {
    const data = Uint8Array.from({ length }, (_, i) => i * 7);
    assertEquals(fromLatin1(latin1(data)), data);
  }
});

Deno.test("latin1() takes a part, short or long", () => {
  const data = Uint8Array.from({ length: 1000 }, (_, i) => i);
  for (const [start, end] of [[0, 0], [3, 9], [10, 900]] as const) {
    assertEquals(fromLatin1(latin1(data, start, end)), data.slice(start, end));
  }
});

Deno.test("latin1() stops at the end of the bytes, short or long", () => {
  for (const end of [5, 500]) {
    assertEquals(latin1(bytes("abc"), 1, end), "bc");
  }
});

Deno.test("isAscii() looks at every character", () => {
  assertEquals(["", "a\0\x7f\n", "a\x80", "\xff"].map(isAscii), [
    true,
    true,
    false,
    false,
  ]);
});

const PRINTED: [name: string, data: number[], want: string][] = [
  ["keeps ASCII", [0x61, 0x0a], "a\n"],
  ["decodes UTF-8", [0xc3, 0xa9, 0xf0, 0x9f, 0xa4, 0x96], "é🤖"],
  ["escapes bytes that are none", [0x61, 0xff, 0x62], "a\\xFFb"],
  ["keeps the UTF-8 among them", [0xff, 0xc3, 0xa9, 0x80], "\\xFFé\\x80"],
  ["escapes a cut sequence", [0xe2, 0x82], "\\xE2\\x82"],
  ["escapes surrogates", [0xed, 0xa0, 0x80], "\\xED\\xA0\\x80"],
  ["escapes overlong forms", [0xc0, 0xaf], "\\xC0\\xAF"],
  ["keeps a byte order mark", [0xef, 0xbb, 0xbf, 0x61], "\ufeffa"],
];

for (const [name, data, want] of PRINTED) {
  Deno.test(`printable() ${name}`, () => {
    assertEquals(printable(latin1(Uint8Array.from(data))), want);
  });
}

Deno.test("printable() loses no line to any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
      const text = printable(latin1(data));
      assert(text.isWellFormed());
      assert(!text.includes("\ufffd") || latin1(data).includes("\xef\xbf\xbd"));
    }),
    RUNS,
  );
});

Deno.test("fromPrintable() undoes printable(), whatever the bytes", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ maxLength: 3 }).map(bytes),
    ),
  );
  fc.assert(
    fc.property(pieces, (pieces) => {
      const raw = pieces.map((piece) => latin1(piece)).join("");
      fc.pre(!/\\x/.test(raw)); // what a peer wrote so cannot be told apart
      assertEquals(fromPrintable(printable(raw)), raw);
    }),
    RUNS,
  );
});

Deno.test("fromPrintable() takes no escape that printable() does not write", () => {
  const text = "\\x41 \\xff \\xFG \\X80 \\x7F";
  assertEquals(fromPrintable(text), text);
  assertEquals(fromPrintable("\\x80\\xFF"), "\x80\xff");
});

Deno.test("printable() reads UTF-8 as a strict decoder does, and keeps every other byte", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const telling = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0];
  const byte = fc.oneof(
    fc.nat(255),
    fc.constantFrom(...telling, 0xed, 0xf0, 0xf4, 0xf5),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 8 }), (bytes) => {
      const data = Uint8Array.from(bytes);
      const text = printable(latin1(data));
      let decoded: string | undefined;
      try {
        decoded = strict.decode(data);
      } catch { /* not UTF-8 as a whole */ }
      if (decoded !== undefined) assertEquals(text, decoded);
      else assertEquals(/\\x[89A-F][0-9A-F]/.test(text), true);
      assertEquals(fromPrintable(text), latin1(data));
    }),
    { seed: 20_261_124, numRuns: 3000 },
  );
});
