/** What closes the connection, before STARTUP and after it. */
import { testParser } from "parley/testkit";
import { READ, SECRET } from "./conversation.ts";
import cassandra from "./mod.ts";
import {
  byte,
  frame,
  int,
  joined,
  longString,
  packed,
  query,
  ready,
  reply,
  short,
  startup,
  string,
} from "./testkit.ts";

const FAILS: [name: string, code: string, ...data: Uint8Array[]][] = [
  ["a response of a client", "malformed", reply(0x07, "")],
  ["a negative length", "frame-length", frame(0x07, "", { length: -1 })],
  ["257 MB", "frame-length", frame(0x07, "", { length: 257 * 2 ** 20 })],
  [
    "a text longer than its body",
    "malformed",
    frame(0x07, joined(int(100), "SELECT")),
  ],
  ["a text of negative length", "malformed", frame(0x07, int(-1))],
  ["no consistency", "malformed", frame(0x07, longString(READ))],
  ["no body", "malformed", frame(0x07)],
  [
    "a text that is not UTF-8",
    "malformed",
    query(Uint8Array.of(0x53, 0xff, 0xfe)),
  ],
  [
    "a text with a surrogate",
    "malformed",
    query(Uint8Array.of(0xed, 0xa0, 0x80)),
  ],
  [
    "an id longer than its body",
    "malformed",
    frame(0x0a, joined(short(9), "id")),
  ],
  [
    "a batch of an unknown type",
    "malformed",
    frame(0x0d, joined(byte(3), short(0), short(1), byte(0))),
  ],
  [
    "a batch of an unknown kind",
    "malformed",
    frame(
      0x0d,
      joined(byte(0), short(1), byte(2), short(0), short(0), short(1), byte(0)),
    ),
  ],
  [
    "a batch of more than there is",
    "malformed",
    frame(
      0x0d,
      joined(byte(0), short(65535), byte(0), longString(READ), short(0)),
    ),
  ],
  [
    "more values than there are",
    "malformed",
    frame(
      0x0d,
      joined(
        byte(0),
        short(1),
        byte(0),
        longString(READ),
        short(65535),
        int(-1),
      ),
    ),
  ],
  [
    "a value of length -3",
    "malformed",
    frame(
      0x0d,
      joined(
        byte(0),
        short(1),
        byte(0),
        longString(READ),
        short(1),
        int(-3),
        short(1),
        byte(0),
      ),
    ),
  ],
  [
    "a payload longer than its body",
    "malformed",
    frame(0x07, joined(short(1), string("k"), int(2 ** 30)), { flags: 4 }),
  ],
  [
    "a payload of more than there is",
    "malformed",
    frame(0x07, joined(short(65535), string("k"), int(-1)), { flags: 4 }),
  ],
  [
    "a packed body without an agreement",
    "compression",
    packed(query(READ), "lz4"),
  ],
  [
    "two compressions",
    "malformed",
    startup({ COMPRESSION: "lz4", compression: "snappy" }),
  ],
  [
    "two compressions, one with a dotless i",
    "malformed",
    startup({ COMPRESSION: "lz4", "compress\u0131on": "snappy" }),
  ],
  ["half a STARTUP", "malformed", frame(0x01, short(1))],
];

testParser(
  "cassandra closes on",
  cassandra,
  FAILS.map(([name, code, data]) => ({
    name,
    rules: [{}],
    steps: [{ data: joined(query(READ, { stream: 9 }), data!, query(SECRET)) }],
    expect: [{
      out: query(READ, { stream: 9 }),
      closed: true,
      log: [{ verdict: "error", reason: code }],
    }],
  })),
);

/** Conversations that STARTUP has begun. */
const STARTED: [
  name: string,
  code: string,
  version: number,
  compression: string,
  ...data: Uint8Array[],
][] = [
  [
    "another version than STARTUP's",
    "version",
    4,
    "",
    query(READ, { version: 3 }),
  ],
  ["a second STARTUP", "startup", 4, "", startup()],
  [
    "an LZ4 body without a length",
    "malformed",
    4,
    "lz4",
    frame(0x07, "abc", { flags: 1 }),
  ],
  [
    "an LZ4 body of negative length",
    "malformed",
    4,
    "lz4",
    frame(0x07, joined(int(-5), "abcdef"), { flags: 1 }),
  ],
  [
    "an LZ4 body that ends early",
    "malformed",
    4,
    "lz4",
    frame(0x07, joined(int(1000), byte(0x10), "a"), { flags: 1 }),
  ],
  [
    "an LZ4 match before the body",
    "malformed",
    4,
    "lz4",
    frame(0x07, joined(int(1000), byte(0x10), "a", byte(9), byte(0), byte(0)), {
      flags: 1,
    }),
  ],
  [
    "a Snappy length without an end",
    "malformed",
    4,
    "snappy",
    frame(0x07, Uint8Array.of(0xff, 0xff), { flags: 1 }),
  ],
  [
    "a Snappy length past 32 bits",
    "malformed",
    4,
    "snappy",
    frame(0x07, Uint8Array.of(255, 255, 255, 255, 255, 1), { flags: 1 }),
  ],
  [
    "a Snappy copy before the body",
    "malformed",
    4,
    "snappy",
    frame(0x07, Uint8Array.of(100, 0, 0x61, 0x01, 9), { flags: 1 }),
  ],
  [
    "a text that unpacks past the limit",
    "limit",
    4,
    "lz4",
    bomb(joined(int(2 ** 29))),
  ],
];

/** An LZ4 body that claims 1 GB and has 64 MB of zeros. */
function bomb(front: Uint8Array): Uint8Array {
  const run = new Uint8Array(250_000).fill(255);
  const block = joined(
    Uint8Array.of(0x50),
    front,
    byte(0),
    Uint8Array.of(1, 0),
    Uint8Array.of(0x1f, 0, 1, 0),
    run,
    byte(0),
  );
  return frame(0x07, joined(int(2 ** 30), block), { flags: 1 });
}

testParser(
  "cassandra, once started, closes on",
  cassandra,
  STARTED.map(([name, code, version, compression, data]) => ({
    name,
    rules: [{}],
    steps: [
      {
        data: startup(compression ? { COMPRESSION: compression } : {}, {
          version,
        }),
      },
      { reply: true, data: ready({ version }) },
      { data: data!.length > 1000 ? data! : joined(data!, query(READ)) },
    ],
    expect: [{}, {}, {
      out: "",
      closed: true,
      log: [{ verdict: "error", reason: code }],
    }],
  })),
);
