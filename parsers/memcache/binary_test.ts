import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { error, latin1, more, part, pass } from "parley/proxylib";
import {
  BARRIER,
  isBinary,
  packetDenial,
  packetHead,
  packetReply,
  readPacket,
} from "./binary.ts";
import {
  joined,
  packet,
  type PacketParts,
  response,
  shown,
} from "./testkit.ts";

function read(opcode: number, parts: PacketParts = {}) {
  const whole = packet(opcode, parts);
  const head = packetHead(whole);
  assertEquals(head.op, "pass");
  return readPacket(whole.subarray(0, head.bytes));
}

/**
 * Each opcode as `shown`, and the packets that the server takes, as
 * EXTRAS/KEY/REST in bytes out of all with extras of 0, 4, 8 or 20 bytes, a key
 * of 0 or 1, and a rest of 0 or 3. Behind "?" the server does not look at the
 * rest: it is the next request.
 */
const TAKEN: [opcode: number, shown: string, taken: string][] = [
  [0x00, "get k", "0/1/0"],
  [0x01, "set k", "8/1/0 8/1/3"],
  [0x02, "add k", "8/1/0 8/1/3"],
  [0x03, "replace k", "8/1/0 8/1/3"],
  [0x04, "delete k", "0/1/0"],
  [0x05, "incr k", "20/1/0"],
  [0x06, "decr k", "20/1/0"],
  [0x07, "quit", "0/0/0"],
  [0x08, "flush_all", "0/0/0 4/0/0"],
  [0x09, "get k perhaps", "0/1/0"],
  [0x0a, "noop", "0/0/0"],
  [0x0b, "version", "0/0/0"],
  [0x0c, "get k", "0/1/0"],
  [0x0d, "get k perhaps", "0/1/0"],
  [0x0e, "append k", "0/1/0 0/1/3"],
  [0x0f, "prepend k", "0/1/0 0/1/3"],
  [0x10, "stats", "0/0/0 0/0/3? 0/1/0 0/1/3?"],
  [0x11, "set k perhaps", "8/1/0 8/1/3"],
  [0x12, "add k perhaps", "8/1/0 8/1/3"],
  [0x13, "replace k perhaps", "8/1/0 8/1/3"],
  [0x14, "delete k perhaps", "0/1/0"],
  [0x15, "incr k perhaps", "20/1/0"],
  [0x16, "decr k perhaps", "20/1/0"],
  [0x17, "quit never", "0/0/0"],
  [0x18, "flush_all perhaps", "0/0/0 4/0/0"],
  [0x19, "append k perhaps", "0/1/0 0/1/3"],
  [0x1a, "prepend k perhaps", "0/1/0 0/1/3"],
  [0x1c, "touch k", "4/1/0 4/1/3?"],
  [0x1d, "gat k", "4/1/0 4/1/3?"],
  [0x1e, "gat k perhaps", "4/1/0 4/1/3?"],
  [0x20, "sasl-list-mechs", "0/0/0"],
  [0x21, "sasl-auth", "0/1/0 0/1/3"],
  [0x22, "sasl-step", "0/1/0 0/1/3"],
  [0x23, "gat k", "4/1/0 4/1/3?"],
  [0x24, "gat k perhaps", "4/1/0 4/1/3?"],
];

const GRID = [0, 4, 8, 20].flatMap((extras) =>
  ["", "k"].flatMap((key) =>
    ["", "abc"].map((value) => ({ extras, key, value }))
  )
);

for (const [opcode, want, taken] of TAKEN) {
  const hex = opcode.toString(16).padStart(2, "0");
  Deno.test(`readPacket reads opcode ${hex} as ${want}, in the lengths ${taken}`, () => {
    const found = GRID.flatMap((parts) => {
      const request = read(opcode, parts);
      if (request.refusal) {
        assertEquals(request.refusal.close, "malformed");
        return [];
      }
      const { extras, key, value } = parts;
      const isRestTaken = request.body === value.length;
      assertEquals(isRestTaken || request.body === 0, true);
      assertEquals(request.ambiguous, !isRestTaken);
      return `${extras}/${key.length}/${value.length}${isRestTaken ? "" : "?"}`;
    });
    assertEquals(found.join(" "), taken);
    const first = GRID.find((parts) => !read(opcode, parts).refusal);
    assertEquals(shown(read(opcode, first)), want);
  });
}

Deno.test("readPacket answers all other opcodes as the server does, and skips as far", () => {
  const known = TAKEN.map(([opcode]) => opcode);
  const others = Array.from({ length: 256 }, (_, code) => code)
    .filter((code) => !known.includes(code));
  assertEquals(others.length, 221);
  for (const code of others) {
    const { body, ask, refusal } = read(code, {
      extras: 4,
      key: "kk",
      value: "abc",
      opaque: 7,
    });
    // Of the next request it eats as much as extras and key are long.
    assertEquals({ body, ask, close: refusal?.close }, {
      body: 9,
      ask: undefined,
      close: undefined,
    });
    assertEquals(
      refusal!.answer,
      response(code, { status: 0x81, opaque: 7, value: "Unknown command" }),
    );
  }
});

const NAMES: [opcode: number, name: string][] = [
  [0x1b, "verbosity"],
  [0x1f, "unknown"],
  [0x25, "unknown"],
  [0x30, "rget"],
  [0x3f, "del-vbucket"],
  [0x47, "tap-checkpoint-end"],
  [0xff, "unknown"],
];

for (const [opcode, name] of NAMES) {
  Deno.test(`readPacket logs opcode ${opcode.toString(16)} as ${name}`, () => {
    assertEquals(read(opcode).name, name);
  });
}

const LONGEST = "k".repeat(250);
const LONGER = "k".repeat(251);
const UNKNOWN = "129 Unknown command, closes";
const INVALID = "4 Invalid arguments, closes";

const REFUSED: [
  why: string,
  opcode: number,
  parts: PacketParts,
  want: string,
][] = [
  ["a body shorter than its key", 0, { key: "ab", bodyBytes: 1 }, UNKNOWN],
  [
    "a body shorter than extras and key",
    1,
    { extras: 8, key: "ab", bodyBytes: 9 },
    UNKNOWN,
  ],
  ["the same of an unknown opcode", 0x40, {
    key: "ab",
    bodyBytes: 0,
  }, UNKNOWN],
  ["the same of a long key", 0, { key: LONGER, bodyBytes: 3 }, UNKNOWN],
  ["a key over 250 bytes", 0, { key: LONGER }, INVALID],
  ["the same of an unknown opcode", 0x40, { key: LONGER }, INVALID],
  [
    "a body that overflows the server's number",
    1,
    { extras: 8, key: "a", bodyBytes: 9 + 2147483646 },
    INVALID,
  ],
  ["the same of an unknown opcode", 0x40, { bodyBytes: 4294967295 }, INVALID],
];

for (const [why, opcode, parts, want] of REFUSED) {
  Deno.test(`readPacket closes on ${why} (opcode ${opcode})`, () => {
    const request = read(opcode, { ...parts, opaque: 0xfedcba98 });
    assertEquals(shown(request).split(": ")[1], want);
    const answer = request.refusal!.answer!;
    assertEquals(answer[1], opcode);
    assertEquals(latin1(answer, 12, 16), "\xfe\xdc\xba\x98");
  });
}

Deno.test("readPacket takes the longest key and the longest body", () => {
  assertEquals(shown(read(0, { key: LONGEST })), `get ${LONGEST}`);
  const bodyBytes = 9 + 2147483645;
  assertEquals(
    shown(read(1, { extras: 8, key: "a", bodyBytes })),
    "set a +2147483645",
  );
});

Deno.test("packetHead waits for header, extras and key, and not for the value", () => {
  const set = packet(1, { extras: 8, key: "key", value: "value" });
  assertEquals(packetHead(set.subarray(0, 1)), more(23));
  assertEquals(packetHead(set.subarray(0, 23)), more(1));
  assertEquals(packetHead(set.subarray(0, 24)), more(11));
  assertEquals(packetHead(set.subarray(0, 34)), more(1));
  assertEquals(packetHead(set.subarray(0, 35)), pass(35));
  assertEquals(packetHead(set), pass(35));
});

Deno.test("packetHead refuses a first byte that starts no request", () => {
  for (const first of [0, 0x67, 0x81]) {
    assertEquals(packetHead(Uint8Array.of(first)), error("binary-magic"));
  }
});

Deno.test("isBinary decides from the first byte, as the server does", () => {
  assertEquals([0x80, 0x81, 0x7f, 0x67].map(isBinary), [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("packetDenial is status 8 with the request's opcode and opaque, and nothing else", () => {
  const request = read(0x11, { extras: 8, key: "key", opaque: 0x01020304 });
  assertEquals(
    packetDenial(request).toHex(),
    "81110000000000080000000d010203040000000000000000" +
      "6163636573732064656e696564",
  );
});

const KEYED = read(0, { key: "k", opaque: 5 });
const STATS = read(0x10, { opaque: 5 });
const HIT = response(0, { extras: 4, value: "v\r\nEND\r\n", opaque: 5 });
const STAT = response(0x10, { key: "pid", value: "1", opaque: 5 });

Deno.test("packetReply takes the length from the header", () => {
  assertEquals(packetReply(HIT.subarray(0, 23), KEYED), more(1));
  assertEquals(packetReply(HIT.subarray(0, 24), KEYED), pass(HIT.length));
  assertEquals(packetReply(joined(HIT, HIT), KEYED), pass(HIT.length));
});

Deno.test("packetReply lets statistics go on until a packet without a key, or an error", () => {
  const error = { key: "pid", status: 1, opaque: 5 };
  const rows: [Uint8Array, ReturnType<typeof pass>][] = [
    [STAT, part(STAT.length)],
    [response(0x10, { opaque: 5 }), pass(24)],
    [response(0x10, { opaque: 5, value: "x" }), pass(25)],
    [response(0x10, error), pass(27)],
  ];
  for (const [data, want] of rows) assertEquals(packetReply(data, STATS), want);
});

Deno.test("packetReply knows its request by opcode and opaque", () => {
  const rows: [Uint8Array, boolean][] = [
    [response(0, { opaque: 5 }), true],
    [response(0x09, { opaque: 5 }), false],
    [response(0, { opaque: 6 }), false],
    [response(0, { opaque: 5, status: 1 }), true],
  ];
  for (const [data, isIts] of rows) {
    assertEquals(packetReply(data, KEYED), isIts ? pass(24) : undefined);
  }
});

Deno.test("packetReply passes one packet that nobody is known to have asked for", () => {
  assertEquals(packetReply(STAT, undefined), pass(STAT.length));
});

Deno.test("packetReply refuses what starts no response", () => {
  const data = new Uint8Array(24).fill(0x80);
  assertEquals(packetReply(data, KEYED), error("binary-reply-magic"));
});

Deno.test("BARRIER is a NOOP, and its reply is known", () => {
  const request = readPacket(BARRIER.bytes);
  assertEquals(shown(request), "noop");
  const { opcode, opaque } = request;
  assertEquals([BARRIER.request.opcode, BARRIER.request.opaque], [
    opcode,
    opaque,
  ]);
  assertEquals(
    packetReply(response(10, { opaque }), BARRIER.request),
    pass(24),
  );
  assertEquals(packetReply(response(10), BARRIER.request), undefined);
});
