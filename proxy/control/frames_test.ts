/** Messages of the control channel: cut anywhere, and by somebody who means no good. */
import {
  deepStrictEqual as assertEquals,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { encodeFrame, FrameReader } from "./frames.ts";

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A frame whose prefix says what it likes. */
function announced(length: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, length, true);
  frame.set(body, 4);
  return frame;
}

Deno.test("encodeFrame() writes the length of the bytes, little endian, then JSON", () => {
  assertEquals([...encodeFrame("é")], [
    ...[4, 0, 0, 0],
    ...new TextEncoder().encode('"é"'),
  ]);
});

Deno.test("a message of more bytes than fit one read arrives whole", () => {
  const message = { text: "ä".repeat(1 << 20), last: true };
  const frame = encodeFrame(message);
  const reader = new FrameReader();
  const messages: unknown[] = [];
  for (let at = 0; at < frame.length; at += 65_536) {
    messages.push(...reader.push(frame.subarray(at, at + 65_536)));
  }
  assertEquals(messages, [message]);
});

/** A value as JSON gives it back: without -0 and the like. */
const message = fc.json().map((text) => JSON.parse(text));

Deno.test("any messages cut anywhere come out as they went in, in order", () => {
  fc.assert(fc.property(
    fc.array(message, { maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 40 }),
    (messages, sizes) => {
      const bytes = joined(messages.map(encodeFrame));
      const reader = new FrameReader();
      const read: unknown[] = [];
      // As the channel does: all pieces stand in one buffer in turn.
      const buffer = new Uint8Array(40);
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const piece = bytes.subarray(at, at + sizes[i % sizes.length]!);
        buffer.fill(0xee);
        buffer.set(piece);
        read.push(...reader.push(buffer.subarray(0, piece.length)));
        at += piece.length;
      }
      assertEquals(read, messages);
    },
  ));
});

Deno.test("a message is there as soon as its last byte is, and not before", () => {
  const frames = [encodeFrame({ a: 1 }), encodeFrame([]), encodeFrame(null)];
  const reader = new FrameReader();
  for (const frame of frames) {
    for (const byte of frame.subarray(0, -1)) {
      assertEquals(reader.push(Uint8Array.of(byte)), []);
    }
    assertEquals(reader.push(frame.subarray(-1)).length, 1);
  }
});

Deno.test("no bytes are no message", () => {
  const reader = new FrameReader();
  assertEquals(reader.push(new Uint8Array(0)), []);
  assertEquals(reader.push(encodeFrame(1)), [1]);
  assertEquals(reader.push(new Uint8Array(0)), []);
});

const text = (json: string) => new TextEncoder().encode(json);
const HOSTILE: readonly {
  readonly name: string;
  readonly bytes: Uint8Array;
}[] = [
  { name: "4 GiB", bytes: announced(0xffff_ffff, text("{}")) },
  { name: "2 GiB", bytes: announced(0x8000_0000, text("{}")) },
  {
    name: "a byte more than the longest",
    bytes: announced(256 * 1024 * 1024 + 1, text("{}")),
  },
  { name: "no bytes at all", bytes: announced(0, new Uint8Array(0)) },
  { name: "no JSON", bytes: announced(3, text("{]}")) },
  { name: "half of a JSON text", bytes: announced(2, text('{"a":1}')) },
  { name: "more than one JSON text", bytes: announced(4, text("1 2 ")) },
];

for (const { name, bytes } of HOSTILE) {
  Deno.test(`a frame of ${name} is refused, whole or byte by byte`, () => {
    assertThrows(() => new FrameReader().push(bytes), Error);
    const reader = new FrameReader();
    assertThrows(() => {
      for (const byte of bytes) reader.push(Uint8Array.of(byte));
    }, Error);
  });
}

Deno.test("random bytes are messages or refused, never anything else", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 12 }),
    (pieces) => {
      const reader = new FrameReader();
      try {
        for (const piece of pieces) reader.push(piece);
      } catch (error) {
        assertEquals(error instanceof Error, true);
      }
    },
  ));
});
