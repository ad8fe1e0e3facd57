import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { Hmac } from "./hmac.ts";

// RFC 4231, test cases 2 and 6.
const KNOWN = [
  {
    key: new TextEncoder().encode("Jefe"),
    text: "what do ya want for nothing?",
    want: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  },
  {
    key: new Uint8Array(131).fill(0xaa),
    text: "Test Using Larger Than Block-Size Key - Hash Key First",
    want: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  },
];

for (const { key, text, want } of KNOWN) {
  Deno.test(`Hmac has the value of RFC 4231 for "${text.slice(0, 20)}…"`, () => {
    assertEquals(new Hmac(key).of(text).toHex(), want);
  });
}

Deno.test("Hmac says what another implementation says, whatever the lengths", () => {
  const key = fc.uint8Array({ maxLength: 150, size: "max" });
  const text = fc.string({ maxLength: 200, size: "max", unit: "grapheme" });
  fc.assert(fc.property(key, text, (key, text) => {
    const want = createHmac("sha256", key).update(text).digest("hex");
    assertEquals(new Hmac(key).of(text).toHex(), want);
  }));
});
