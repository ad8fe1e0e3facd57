/**
 * One conversation, two readers: whatever a client writes, no command reaches
 * the server that the policy was not asked about. Each row hides a command from
 * a parser that reads the bytes otherwise than the server does.
 */
import { type Case, testParser } from "parley/testkit";
import memcache from "./mod.ts";
import { joined, packet } from "./testkit.ts";

type Rules = NonNullable<Case["rules"]>;

const PUB: Rules = [
  { command: "get", keyPrefix: "pub:" },
  { command: "set", keyPrefix: "pub:" },
];
const FLUSH = "flush_all\r\n";
const LONGER = "k".repeat(251);

/** Lines whose data the server reads as commands, or whose words it reads in another way. */
const LINES: [trick: string, data: string, hidden?: string][] = [
  ["a bare LF", `get pub:a\n${FLUSH}`],
  ["a CR before it", `get pub:a\r\n\r${FLUSH}`],
  ["a CR alone before it", `\r\n\r\n${FLUSH}`],
  ["an LF alone before it", `\n\n${FLUSH}`],
  ["spaces before it", `   ${FLUSH}`],
  ["a NUL behind it", `flush_all\0get pub:a\r\n`],
  ["a NUL before it", `get pub:a\0\r\n${FLUSH}`],
  ["a NUL that ends a length", `set pub:a 0 0 11\0 0\r\n${FLUSH}\r\n`],
  ["bad flags", `set pub:a x 0 11\r\n${FLUSH}\r\n`],
  ["a bad expiry", `set pub:a 0 x 11\r\n${FLUSH}\r\n`],
  ["a bad cas", `cas pub:a 0 0 11 x\r\n${FLUSH}\r\n`],
  ["a key too long", `set ${LONGER} 0 0 11\r\n${FLUSH}\r\n`],
  ["words too many", `set pub:a 0 0 11 noreply x\r\n${FLUSH}\r\n`],
  ["words too few", `set pub:a 0 11\r\n${FLUSH}\r\n`],
  ["the same in silence", `set pub:a x 0 11 noreply\r\n${FLUSH}\r\n`],
  ["a negative length", `set pub:a 0 0 -11\r\n${FLUSH}\r\n`],
  ["a length too large", `set pub:a 0 0 2147483646\r\n${FLUSH}\r\n`],
  ["a length past 32 bits", `set pub:a 0 0 4294967295\r\n${FLUSH}\r\n`],
  ["a length past 64 bits", `set pub:a 0 0 18446744073709551627\r\n${FLUSH}`],
  ["a length that is cut to 3", `set pub:a 0 0 4294967299\r\nabc\r\n${FLUSH}`],
  ["a hexadecimal length", `set pub:a 0 0 0x0b\r\n${FLUSH}\r\n`],
  ["a length in words", `set pub:a 0 0 11bytes\r\n${FLUSH}\r\n`],
  ["a length behind a tab", `set pub:a 0 0 \t3\r\nabc\r\n${FLUSH}`],
  ["a length before a tab", `set pub:a 0 0 3\t11\r\nabc\r\n${FLUSH}`],
  ["an octal length", `set pub:a 0 0 011\r\n${"x".repeat(11)}\r\n${FLUSH}`],
  ["data longer than its length", `set pub:a 0 0 3\r\nabcdef\r\n${FLUSH}`],
  ["data without CRLF behind it", `set pub:a 0 0 3\r\nabc\n\n${FLUSH}`],
  ["a set within a get", `get pub:a\r\nset pub:a\r\n${FLUSH}`],
  ["a word that no server knows", `getx pub:a\r\n${FLUSH}`],
  ["upper case", `GET pub:a\r\n${FLUSH}`],
  ["a tab for a separator", `get\tsecret\r\n`, "secret"],
  ["a key behind an allowed one", `get pub:a secret\r\n`, "secret"],
  ["a key among many", `get${" pub:a".repeat(30)} secret\r\n`, "secret"],
  ["a key of gat", `gat 0 secret\r\n`, "secret"],
  ["a key of bget", `bget secret\r\n`, "secret"],
  ["ms with a bad length", `ms pub:a x\r\n${FLUSH}`],
  ["ms with a negative length", `ms pub:a -11\r\n${FLUSH}`],
  ["ms without a length", `ms pub:a\r\n${FLUSH}`],
  ["ms with too many flags", `ms pub:a 11${" q".repeat(17)}\r\n${FLUSH}`],
  ["ms with a key too long", `ms ${LONGER} 11\r\n${FLUSH}`],
  ["ms with a bad flag", `ms pub:a 3 z\r\nabc\r\n${FLUSH}`],
  ["ms with a bad mode", `ms pub:a 3 MX\r\nabc\r\n${FLUSH}`],
  ["ms with an odd length", `ms pub:a 4294967299\r\nabc\r\n${FLUSH}`],
  ["a key in base64", `mg c2VjcmV0 b v\r\n`, "c2VjcmV0"],
  ["a key in base64 for me", `me c2VjcmV0 b\r\n`, "c2VjcmV0"],
  ["a key that decoders read differently", `mg cHViOmE=! b\r\n`, "cHVi"],
  ["ms that appends", `ms pub:a 3 MA\r\nabc\r\n`, "pub:a"],
  ["ms that adds", `ms pub:a 3 ME\r\nabc\r\n`, "pub:a"],
  ["ms that compares", `ms pub:a 3 C1\r\nabc\r\n`, "pub:a"],
  ["mg that touches", `mg pub:a v T0\r\n`, "pub:a"],
  ["mg that makes an item", `mg pub:a v N0\r\n`, "pub:a"],
  ["a quiet request", `mg pub:a q\r\n${FLUSH}`],
  ["a packet on a text connection", `get pub:a\r\n\x80\x08\n${FLUSH}`],
];

testParser(
  "memcache forwards no command hidden by",
  memcache,
  LINES.map(([name, data, hidden = "flush_all"]) => ({
    name,
    rules: PUB,
    steps: [{ data }],
    absent: { forward: [hidden] },
  })),
);

const FLUSH_PACKET = packet(0x08);
const BINARY: Rules = [
  ...PUB,
  { command: "append" },
  { command: "stats" },
  { command: "touch" },
  { command: "gat" },
];

const PACKETS: [trick: string, ...data: (Uint8Array | string)[]][] = [
  ["nothing", FLUSH_PACKET],
  ["a body shorter than its key", packet(0, { key: "pub:a", bodyBytes: 0 })],
  ["no body", packet(1, { extras: 8, key: "pub:a", bodyBytes: 0 })],
  ["a key too long", packet(0, { key: LONGER })],
  ["a get with extras", packet(0, { extras: 4, key: "pub:a" })],
  ["a get with a value", packet(0, { key: "pub:a", bodyBytes: 29 })],
  ["a set without extras", packet(1, { key: "pub:a", bodyBytes: 29 })],
  ["an append with extras", packet(0x0e, { extras: 8, key: "pub:a" })],
  ["a set without a key", packet(1, { extras: 8, bodyBytes: 32 })],
  [
    "a body that overflows",
    packet(1, { extras: 8, key: "pub:a", bodyBytes: 0x80000018 }),
  ],
  ["a stat with a value", packet(0x10, { bodyBytes: 24 })],
  ["a stat with key and value", packet(0x10, { key: "k", bodyBytes: 25 })],
  [
    "a touch with a value",
    packet(0x1c, { extras: 4, key: "k", bodyBytes: 29 }),
  ],
  ["a gat with a value", packet(0x1d, { extras: 4, key: "k", bodyBytes: 29 })],
  ["a gatq with a value", packet(0x1e, { extras: 4, key: "k", bodyBytes: 29 })],
  [
    "an unknown opcode that eats into the next request",
    packet(0x40, { extras: 8, key: "k", value: "v" }),
    packet(1, { extras: 8, key: "pub:a", bodyBytes: 13 + 33 }),
  ],
  ["an unknown opcode", packet(0x40)],
  ["quiet requests", packet(0x09, { key: "pub:a" })],
  ["a quitq", packet(0x17)],
  ["text on a binary connection", packet(0, { key: "pub:a" }), "flush_all\r\n"],
  ["a response", packet(0, { key: "pub:a" }), Uint8Array.of(0x81, 0x08)],
];

testParser(
  "memcache forwards no packet hidden by",
  memcache,
  PACKETS.map(([name, ...data]) => ({
    name,
    rules: BINARY,
    steps: [{ data: joined(...data, FLUSH_PACKET) }],
    absent: { forward: [FLUSH_PACKET, FLUSH] },
  })),
);

testParser("memcache forwards", memcache, [
  {
    name:
      "what the server reads as the next request behind a stat, judged by itself",
    rules: [{}],
    steps: [{ data: joined(packet(0x10, { bodyBytes: 24 }), packet(0x0b)) }],
    total: { forward: joined(packet(0x10, { bodyBytes: 24 }), packet(0x0b)) },
    expect: [{
      log: [{ fields: { command: "stats" } }, {
        fields: { command: "version" },
      }],
    }],
  },
  {
    name: "commands as data, where the server takes them as data",
    rules: PUB,
    steps: [{ data: `set pub:a 0 0 11\r\n${FLUSH}\r\nget pub:a\r\n` }],
    total: { forward: `set pub:a 0 0 11\r\n${FLUSH}\r\nget pub:a\r\n` },
  },
]);
