import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { clientHello } from "./tls.ts";

const HELLO = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00];

Deno.test("clientHello() is sure from the sixth byte on, and not before", () => {
  for (let length = 0; length <= HELLO.length; length++) {
    const data = Uint8Array.from(HELLO.slice(0, length));
    assertEquals(clientHello(data), length < 6 ? "maybe" : "yes", `${length}`);
  }
});

const NEAR_MISSES: [name: string, at: number, byte: number][] = [
  ["an alert record", 0, 0x15],
  ["a major version of 2", 1, 0x02],
  ["a minor version of 5", 2, 0x05],
  ["a ServerHello", 5, 0x02],
];

for (const [name, at, byte] of NEAR_MISSES) {
  Deno.test(`clientHello() is not taken in by ${name}`, () => {
    const data = Uint8Array.from(HELLO.with(at, byte));
    assertEquals(clientHello(data), "no");
    assertEquals(clientHello(data.subarray(0, at + 1)), "no");
  });
}

Deno.test("clientHello() takes every version and length of a record", () => {
  for (const minor of [0, 1, 2, 3, 4]) {
    const data = Uint8Array.from(
      HELLO.with(2, minor).with(3, 255).with(4, 255),
    );
    assertEquals(clientHello(data), "yes");
  }
});
