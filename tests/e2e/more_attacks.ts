/**
 * Ways to get a command past the rules `get` and `set` of keys below `pub:` in
 * meta commands and in the binary protocol.
 *
 * @module
 */
import { number, packet } from "./binary_inputs.ts";
import type { Attack } from "./text_attacks.ts";

const GET = "get pub:a\r\n";
const FLUSH = "flush_all\r\n";
/** A data block that is a command to whoever does not skip it. */
const BLOCK = `${FLUSH}\r\n`;
const VALUE = 11;

/** Requests that do more than the rules say, each of an allowed key. */
const DENIED_META: readonly string[] = [
  ...["mg pub:a T0", "mg pub:a v N30", "mg pub:a N0 T0", "mn", "me pub:a"],
  ...["md pub:a", "md pub:a q", "md pub:a I T1", "ma pub:a", "ma pub:a MD"],
  ...["ma pub:a N0 J5", "mg priv:a v", "mg pub v", "mg Pub:a v", "md pub:a O1"],
];
const DENIED_MODES = ["MA", "MP", "ME", "MR", "C1", "MR C1", "MA N0", "ME q"];
/** Refused by the server too, which then still takes the data block. */
const REFUSED_FLAGS = ["MS MA", "q q", "Mx", "MSS", "Tx", "x", "MS S S"];

/** In meta commands. */
export const META_ATTACKS: readonly Attack[] = [
  {
    name: "as meta commands that do more than get",
    input: DENIED_META.map((line) => `${line}\r\n`).join("") + GET,
    told: ["get pub:a"],
  },
  ...DENIED_MODES.map((flags) => ({
    name: `as a meta set with ${flags}, and in its data`,
    input: `ms pub:a ${VALUE} ${flags}\r\n${BLOCK}${GET}`,
    told: ["get pub:a"],
  })),
  ...REFUSED_FLAGS.map((flags) => ({
    name: `in the data of a meta set that is refused for ${flags}`,
    input: `ms pub:a ${VALUE} ${flags}\r\n${BLOCK}${GET}`,
    told: ["get pub:a"],
  })),
  {
    name: "in the data of an allowed meta set",
    input: `ms pub:a ${VALUE}\r\n${BLOCK}${GET}`,
    told: ["ms pub:a 11", "get pub:a"],
  },
  {
    name: "in the data of a meta set whose length is no number",
    input: `ms pub:a S${VALUE}\r\n${BLOCK}${GET}`,
    told: ["get pub:a"],
  },
  {
    name: "in the data of a meta set without a length",
    input: `ms pub:a\r\n${BLOCK}${GET}`,
    told: ["get pub:a"],
  },
  {
    name: "in the data of a meta set with more flags than the server reads",
    input: `ms pub:a ${VALUE}${" k".repeat(20)}\r\n${BLOCK}${GET}`,
    told: ["get pub:a"],
  },
  {
    name: "in the data of a meta set with too long a key",
    input: `ms pub:${"k".repeat(250)} ${VALUE}\r\n${BLOCK}${GET}`,
    told: ["get pub:a"],
  },
  {
    name: "in the data of a meta set whose length has a sign",
    input: `ms pub:a +${VALUE}\r\n${BLOCK}${GET}`,
    told: ["get pub:a"],
  },
  {
    name: "behind data that is longer than it says",
    input: `ms pub:a 1\r\nxyz\r\n${BLOCK}`,
    told: ["ms pub:a 1"],
  },
  {
    name: "as a key in base64",
    input: `mg ${btoa("priv:a")} b v\r\nmg ${btoa("pub:a")} b v\r\n`,
    told: [`mg ${btoa("pub:a")} b v`],
  },
  {
    name: "as a key that looks allowed until it is decoded",
    input: `mg pub:${btoa("priv:a")} b v\r\nmg pub:YWFh b v\r\n${GET}`,
    told: ["get pub:a"],
  },
  {
    name: "as base64 that decoders differ on",
    input: "mg cHViOmE b\r\nmg cHVi!OmE= b\r\nmg =HViOmE= b\r\n" + GET,
    told: ["get pub:a"],
  },
  {
    name: "among quiet requests",
    input: "mg pub:a v q\r\nmg priv:a v q\r\nget pub:b\r\n",
    told: ["mg pub:a v q", "mn", "get pub:b"],
  },
  {
    name: "behind a NUL in a meta command",
    input: `mg pub:a\0 v\r\nmg pub:a v\0\nmd pub:a\r\n${GET}`,
    told: ["get pub:a"],
  },
];

const EXTRAS = "\0".repeat(8);
const PUB = { key: "pub:a" };
const get = packet(0x00, PUB);
const flush = packet(0x08);
const GOT = ["packet 0x00", "GET pub:a"];

/** Packets that do something else, each of an allowed key if it has one. */
const DENIED_PACKETS: readonly string[] = [
  ...[0x02, 0x03, 0x12, 0x13].map((opcode) =>
    packet(opcode, { ...PUB, extras: EXTRAS, value: flush })
  ),
  ...[0x0e, 0x0f, 0x19, 0x1a].map((opcode) =>
    packet(opcode, { ...PUB, value: flush })
  ),
  ...[0x05, 0x06, 0x15, 0x16].map((opcode) =>
    packet(opcode, { ...PUB, extras: "\0".repeat(20) })
  ),
  ...[0x1c, 0x1d, 0x1e, 0x23, 0x24].map((opcode) =>
    packet(opcode, { ...PUB, extras: "\0".repeat(4) })
  ),
  ...[0x04, 0x14].map((opcode) => packet(opcode, PUB)),
  ...[0x08, 0x18, 0x0a, 0x0b, 0x07, 0x17, 0x10, 0x20].map((opcode) =>
    packet(opcode)
  ),
  packet(0x08, { extras: "\0\0\0\0" }),
  packet(0x0a, { opaque: 0x70617279 }),
  packet(0x10, { key: "reset" }),
  packet(0x21, { key: "PLAIN", value: "\0a\0b" }),
  ...[0x00, 0x09, 0x0c, 0x0d].flatMap((opcode) =>
    ["priv:a", "pub", "Pub:a", " pub:a", "\0pub:a"].map((key) =>
      packet(opcode, { key })
    )
  ),
  packet(0x01, { key: "priv:a", extras: EXTRAS, value: get }),
];

/** Packets that the server refuses and closes on. */
const CLOSING: readonly (readonly [name: string, packet: string])[] = [
  ["a key that is longer than the body", packet(0, { ...PUB, bodyBytes: 1 })],
  [
    "extras that do not fit the body",
    packet(1, { ...PUB, extras: EXTRAS, bodyBytes: 7 }),
  ],
  ["a get with extras", packet(0, { ...PUB, extras: "\0\0\0\0" })],
  ["a get with a value", packet(0, { ...PUB, value: flush })],
  ["a get without a key", packet(0)],
  ["a set without extras", packet(1, { ...PUB, value: flush })],
  ["a set without a key", packet(1, { extras: EXTRAS, value: flush })],
  ["too long a key", packet(0, { key: `pub:${"k".repeat(247)}` })],
  [
    "a body of four gigabytes",
    packet(1, { ...PUB, extras: EXTRAS, bodyBytes: 0xffffffff }),
  ],
  ["the magic of a response", packet(0, { ...PUB, magic: 0x81 })],
  ["a text command", GET + " ".repeat(24)],
];

/** In the binary protocol. */
export const BINARY_ATTACKS: readonly Attack[] = [
  {
    name: "as packets that do something else",
    input: DENIED_PACKETS.join("") + get,
    told: GOT,
  },
  ...CLOSING.map(([name, bad]) => ({
    name: `behind ${name}`,
    input: get + bad + flush + packet(0x08),
    told: GOT,
  })),
  {
    name: "in the value of an allowed set",
    input: packet(1, { ...PUB, extras: EXTRAS, value: flush }) + get,
    told: ["packet 0x01", "SET pub:a Value len is 24", ...GOT],
  },
  {
    name: "in a value that the server has no room for",
    input: packet(0x11, { ...PUB, extras: EXTRAS, value: flush.repeat(200) }) +
      get,
    told: ["packet 0x11", "SET pub:a Value len is 4800", ...GOT],
  },
  {
    name: "in the value of a denied set that never ends",
    input: packet(1, { key: "priv:a", extras: EXTRAS, bodyBytes: 9999 }) +
      flush,
    told: [],
  },
  {
    name: "in the body of an unknown opcode",
    input: packet(0x40, { value: flush }) + get,
    told: GOT,
  },
  {
    name:
      "behind an unknown opcode, whose key and extras the server skips twice",
    input: packet(0x30, { key: "k".repeat(24) }) + flush + get +
      packet(0xff, { extras: "\0".repeat(24), value: flush }) + flush + get,
    told: [...GOT, ...GOT],
  },
  {
    name: "behind the key of a touch, where the server reads on",
    input: packet(0x1c, { ...PUB, extras: "\0\0\0\0", value: flush }) + get,
    told: GOT,
  },
  {
    name: "behind the key of a statistics request",
    input: packet(0x10, { key: "items", value: flush + get }),
    told: GOT,
  },
  {
    name: "among quiet requests",
    input: packet(0x09, PUB) + packet(0x09, { key: "priv:a" }) +
      packet(0x0d, PUB) + get,
    told: ["packet 0x09", "GET pub:a", "packet 0x0a"].concat(
      ["packet 0x0d", "GET pub:a", ...GOT],
    ),
  },
  {
    name: "by lengths whose high bytes count",
    input: "\x80\0" + number(5, 2) + "\0\0\0\0" + number(0x10005, 4) +
      "\0".repeat(12) + "pub:a" + flush,
    told: [],
  },
];
