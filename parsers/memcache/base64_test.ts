import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { latin1 } from "parley/proxylib";
import { decodeKey, isCanonical } from "./base64.ts";

const TEXTS: [
  text: string,
  key: string | undefined,
  canonical: boolean,
  why: string,
][] = [
  ["Zm9v", "foo", true, "whole blocks"],
  ["Zm9vYg==", "foob", true, "two pads"],
  ["Zm9vYmE=", "fooba", true, "one pad"],
  ["AP//+/4=", "\0\xff\xff\xfb\xfe", true, "every kind of digit"],
  ["Zm9v!", "foo", false, "a character outside the alphabet is skipped"],
  [
    "Zm\t9_v-",
    "foo",
    false,
    "also in the middle, and the URL alphabet is none",
  ],
  ["!!!!", undefined, false, "nothing but such characters"],
  ["Zm9", undefined, false, "no whole block"],
  ["Zm9vY", undefined, false, "a block and a digit"],
  ["Zm9vYg", undefined, false, "pads left out"],
  ["Zh==", "f", true, "bits behind the end do not count"],
  ["Zg==Zm9v", "f", false, "a padded block ends the key"],
  ["Zm9vZg==!Zm9v", "foof", false, "and what follows it is not read"],
  ["=Zg=", "\x01", false, "pads count wherever they stand"],
  ["Z=9v", "\x64\x0f", false, "and are digits of value 0"],
  ["Z===", undefined, false, "three pads"],
  ["====", undefined, false, "four pads"],
  ["Zm9vZ===", undefined, false, "three pads in a later block"],
];

for (const [text, key, canonical, why] of TEXTS) {
  Deno.test(`base64 decodes ${JSON.stringify(text)} as the server does: ${why}`, () => {
    assertEquals(decodeKey(text), key);
    assertEquals(isCanonical(text), canonical);
  });
}

Deno.test("base64 decodes canonical text as every decoder does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (key) => {
      assertEquals(decodeKey(key.toBase64()), latin1(key));
      assertEquals(isCanonical(key.toBase64()), true);
    }),
    { seed: 20_261_124 },
  );
});

Deno.test("base64 calls nothing canonical that a strict decoder refuses or reads otherwise", () => {
  const digits = fc.string({
    unit: fc.constantFrom("Z", "m", "9", "v", "+", "/", "=", "!", "_"),
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(digits, (text) => {
      if (!isCanonical(text)) return;
      assertEquals(decodeKey(text), latin1(Uint8Array.fromBase64(text)));
    }),
    { seed: 20_261_124, numRuns: 2000 },
  );
});
