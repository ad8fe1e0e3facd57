/**
 * Random inputs in, around and beside memcached's binary protocol.
 *
 * @module
 */
import fc from "fast-check";
import {
  join,
  lengthOf,
  mostly,
  type Text,
  type Vocabulary,
} from "./arbitraries.ts";
import { keyIn } from "./text_inputs.ts";

/** Parts of a packet; what its header says of them is true unless it is given. */
export interface Parts {
  readonly magic?: number;
  readonly extras?: string;
  readonly key?: string;
  readonly value?: string;
  readonly opaque?: number;
  readonly cas?: number;
  readonly extraBytes?: number;
  readonly keyBytes?: number;
  readonly bodyBytes?: number;
}

/** A request packet as a text with one character a byte. */
export function packet(opcode: number, parts: Parts = {}): string {
  const { extras = "", key = "", value = "" } = parts;
  const body = extras + key + value;
  return String.fromCharCode(parts.magic ?? 0x80, opcode) +
    number(parts.keyBytes ?? lengthOf(key), 2) +
    String.fromCharCode(parts.extraBytes ?? extras.length) + "\0\0\0" +
    number(parts.bodyBytes ?? lengthOf(body), 4) +
    number(parts.opaque ?? 0, 4) + number(parts.cas ?? 0, 8) + body;
}

/** A number of so many bytes, the most significant one first. */
export function number(value: number, bytes: number): string {
  return value.toString(16).padStart(2 * bytes, "0").slice(-2 * bytes)
    .replace(/../g, (hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** The last request of an input, by whose answer it is known that all were read. */
export const BINARY_END = packet(0x0a, { opaque: 0x454e4445 });
/** What the server says to it. */
export const BINARY_END_REPLY = `\x81\x0a${"\0".repeat(10)}ENDE${
  "\0".repeat(8)
}`;

const GETS = [0x00, 0x09, 0x0c, 0x0d];
const STORES = [0x01, 0x01, 0x02, 0x03, 0x11, 0x11, 0x12, 0x13];
const CONCATS = [0x0e, 0x0f, 0x19, 0x1a];
const TOUCHES = [0x1c, 0x1d, 0x1e, 0x23, 0x24];
const FOREIGN = [0x1b, 0x1f, 0x25, 0x30, 0x3d, 0x40, 0x47, 0x90, 0xff];

/** Without what depends on the moment. */
// Not "detail" alone: the server then reads on behind the key, in whatever its buffer held.
const STATISTICS = ["nonsense", "detail dump", "detailx", "sizesx"];

const opaque = mostly(
  fc.constantFrom("1", "2"),
  ...["0", String(0xffffffff), String(0x70617279), String(0x0d0a8081)],
).map(Number);

function keyBytes(packet: string): number {
  return packet.charCodeAt(2) * 256 + packet.charCodeAt(3);
}

/** One packet in order. */
function ordinary(vocabulary: Vocabulary): Text {
  const key = keyIn(vocabulary).filter((key) => lengthOf(key) <= 250);
  const value = mostly(
    fc.oneof(fc.constantFrom("41", "1"), fc.string({ maxLength: 20 })),
    ...["", "\x80\x08\0\0", "flush_all\r\n", "y".repeat(3000)],
    fc.constant(packet(0x08)),
    fc.constant(packet(0x04, { key: "x" })),
  );
  const time = mostly("\0\0\0\0", "\0\0\x03\xe8");
  const cas = mostly("0", "1", String(2 ** 40)).map(Number);
  const some = (
    opcodes: readonly number[],
    parts: fc.Arbitrary<Parts>,
  ): Text =>
    fc.tuple(fc.constantFrom(...opcodes), opaque, cas, parts).map(
      ([opcode, opaque, cas, parts]) =>
        packet(opcode, { opaque, cas, ...parts }),
    );

  const store = fc.record({
    extras: join("\0\0\0", fc.constantFrom("\0", "\x07"), time),
    key,
    value,
  });
  const count = fc.record({
    extras: join(
      number(3, 8),
      number(10, 8),
      mostly("\0\0\0\0", "\xff\xff\xff\xff"),
    ),
    key,
  });
  const touch = fc.record({ extras: time, key });
  return fc.oneof(
    { weight: 6, arbitrary: some(GETS, fc.record({ key })) },
    { weight: 6, arbitrary: some(STORES, store) },
    { weight: 2, arbitrary: some(CONCATS, fc.record({ key, value })) },
    { weight: 2, arbitrary: some([0x04, 0x14], fc.record({ key })) },
    { weight: 3, arbitrary: some([0x05, 0x06, 0x15, 0x16], count) },
    { weight: 3, arbitrary: some(TOUCHES, touch) },
    {
      weight: 2,
      arbitrary: some([0x0a, 0x0a, 0x0b, 0x20], fc.constant({})),
    },
    {
      weight: 1,
      arbitrary: some(
        [0x08, 0x18],
        fc.constantFrom({}, { extras: "\0\0\0\0" }),
      ),
    },
    {
      weight: 1,
      arbitrary: some(
        [0x10],
        fc.constantFrom(...STATISTICS).map((key) => ({ key })),
      ),
    },
    {
      weight: 1,
      arbitrary: some(
        [0x21, 0x22],
        fc.record({ key: fc.constantFrom("PLAIN", "x"), value }),
      ),
    },
    // An unknown opcode: the server skips as many bytes as its body has, behind
    // extras and key, so these are made up for.
    {
      weight: 1,
      arbitrary: some(
        FOREIGN,
        fc.record({ key: mostly("", "a", key), value }),
      ).map((text) => text + "\0".repeat(keyBytes(text))),
    },
  );
}

/** A packet that makes the server close, or whose body is read as a request. */
function odd(vocabulary: Vocabulary): Text {
  const any = fc.nat(0x25);
  const key = keyIn(vocabulary);
  const extras = fc.constantFrom(...[0, 1, 3, 4, 5, 7, 8, 9, 19, 20, 21, 200])
    .map((length) => "\0".repeat(length));
  const known = any.filter((opcode) => !FOREIGN.includes(opcode));
  return fc.oneof(
    // The body may be too short for key and extras, never for one that is read.
    fc.tuple(known, extras, key, opaque).map(([opcode, extras, key, opaque]) =>
      packet(opcode, { extras, key, opaque })
    ),
    fc.tuple(any, extras, key, fc.nat(3)).map(([opcode, extras, key, short]) =>
      packet(opcode, {
        extras,
        key,
        bodyBytes: Math.max(0, lengthOf(extras + key) - 1 - short),
      })
    ),
    fc.tuple(any, fc.constantFrom(251, 300, 65_000)).map(([opcode, length]) =>
      packet(opcode, { key: "k".repeat(length) })
    ),
    fc.constantFrom(0x07, 0x17).map((opcode) => packet(opcode)),
    // Bytes behind the key that the server reads as its next request.
    fc.tuple(fc.constantFrom(...TOUCHES), key, ordinary(vocabulary)).filter(
      ([, key]) => lengthOf(key) <= 250,
    ).map(([opcode, key, value]) =>
      packet(opcode, { extras: "\0\0\0\0", key, value })
    ),
    ordinary(vocabulary).map((value) => packet(0x10, { key: "x", value })),
  );
}

/** A packet behind which nobody knows where the next one begins. */
function astray(vocabulary: Vocabulary): Text {
  const key = keyIn(vocabulary);
  return fc.oneof(
    fc.tuple(fc.constantFrom(0x81, 0, 0x67, 0x0a), fc.nat(0x25)).map((
      [magic, opcode],
    ) => packet(opcode, { magic })),
    fc.tuple(fc.constantFrom(...FOREIGN), key, opaque).map((
      [opcode, key, opaque],
    ) => packet(opcode, { key, opaque })),
    // Not after 8 bytes: what follows would say that the body has gigabytes,
    // which the server's arithmetic has no room for; see BODY_MAX of the parser.
    fc.tuple(ordinary(vocabulary), fc.nat(30).filter((left) => left !== 8)).map(
      ([text, left]) => text.slice(0, left),
    ),
    fc.tuple(fc.constantFrom(...STORES, ...CONCATS), key).map(([opcode, key]) =>
      packet(opcode, {
        extras: CONCATS.includes(opcode) ? "" : "\0".repeat(8),
        key,
        bodyBytes: 100_000,
      })
    ),
    fc.constantFrom("get x\r\n", "\x80", "\x80\x00"),
  );
}

/** The packets of one input; if it may be unfinished, the last ones go astray. */
export function packets(vocabulary: Vocabulary): Text {
  const one = fc.oneof(
    { weight: 14, arbitrary: ordinary(vocabulary) },
    { weight: 1, arbitrary: odd(vocabulary) },
  );
  const most = fc.array(one, { minLength: 1, maxLength: 14 })
    .map((packets) => packets.join(""));
  return vocabulary.unfinished ? join(most, astray(vocabulary)) : most;
}

/** One packet of any kind, good or bad. */
export function anyPacket(vocabulary: Vocabulary): Text {
  return fc.oneof(
    { weight: 8, arbitrary: ordinary(vocabulary) },
    { weight: 2, arbitrary: odd(vocabulary) },
    { weight: 1, arbitrary: astray(vocabulary) },
  );
}
