/**
 * Random conversations against a model of the server that answers everything it
 * is sent: what leaves is what was allowed and nothing else, and each request
 * has one answer on its stream, in every version and compression, however frames
 * share segments and however the bytes are cut.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { latin1 } from "parley/proxylib";
import { replay, type Step } from "parley/testkit";
import cassandra from "./mod.ts";
import {
  batch,
  denied,
  done,
  execute,
  frame,
  joined,
  packed,
  prepare,
  preparedReply,
  query,
  type QueryOptions,
  ready,
  reply,
  segment,
  split,
  startup,
} from "./testkit.ts";

const RUNS = { seed: 20_261_124, numRuns: 400 };
const RULES = [
  { query_action: "select", query_table: "^open\\." },
  { query_action: "insert", query_table: "^open\\.t$" },
];

/** How a connection speaks. */
interface Speech {
  readonly version: number;
  readonly compression: "" | "lz4" | "snappy";
}

const SPEECHES: readonly Speech[] = [
  { version: 3, compression: "" },
  { version: 3, compression: "snappy" },
  { version: 4, compression: "lz4" },
  { version: 4, compression: "snappy" },
  { version: 5, compression: "" },
  { version: 5, compression: "lz4" },
];

/** A request by its stream, and what its denial names; nothing: it is allowed. */
interface Turn {
  request(on: QueryOptions): Uint8Array;
  readonly denial?: string;
}

const VALUES = ["k", null, undefined, "x".repeat(40)];
const LONG = "y".repeat(700);
const TURNS: readonly Turn[] = [
  { request: (on) => query("SELECT * FROM open.t", on) },
  { request: (on) => query("SELECT * FROM t", { ...on, keyspace: "open" }) },
  {
    request: (on) =>
      query("select /* shut.t */ * from open . t where k = 'shut.t'", {
        ...on,
        values: VALUES,
      }),
  },
  {
    request: (on) => query("SELECT * FROM shut.t", { ...on, values: VALUES }),
    denial: "select on shut.t",
  },
  {
    request: (on) => query("SELECT * FROM t", { ...on, keyspace: "shut" }),
    denial: "select on shut.t",
  },
  { request: (on) => query("no CQL", on), denial: "unknown" },
  { request: (on) => query("CREATE ROLE r", on), denial: "create-role" },
  {
    request: (on) =>
      query("INSERT INTO open.t (k, v) VALUES (?, ?)", {
        ...on,
        values: ["k", LONG],
      }),
  },
  {
    request: (on) =>
      query("INSERT INTO shut.t (k, v) VALUES (?, ?)", {
        ...on,
        values: ["k", LONG],
      }),
    denial: "insert on shut.t",
  },
  { request: (on) => execute("good", { ...on, values: [LONG] }) },
  { request: (on) => frame(0x05, "", on) },
  {
    request: (on) => prepare("SELECT * FROM shut.u", on),
    denial: "select on shut.u",
  },
  {
    request: (on) =>
      batch([
        { id: "insert", values: VALUES },
        { text: "INSERT INTO open.t (k) VALUES ('a')", values: [] },
      ], on),
  },
  {
    request: (on) =>
      batch([
        { text: "INSERT INTO open.t (k) VALUES (?)", values: [LONG] },
        { text: "INSERT INTO shut.t (k) VALUES (?)", values: [LONG] },
      ], on),
    denial: "insert on shut.t",
  },
];

const PREPARED = [
  ["good", "SELECT * FROM open.t WHERE k = ?"],
  ["insert", "INSERT INTO open.t (k) VALUES (?)"],
] as const;

/** Frames as they travel: packed one by one, or in segments of so many. */
function travelling(
  frames: readonly Uint8Array[],
  { version, compression }: Speech,
  size: number,
): Uint8Array {
  if (version < 5) {
    return joined(
      ...frames.map((frame, i) =>
        compression === "" || i % 3 === 2 ? frame : packed(frame, compression)
      ),
    );
  }
  const lz4 = compression === "lz4";
  const form = { lz4, packed: lz4 && size % 2 === 0 };
  const parts: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  const flush = () => {
    if (group.length > 0) parts.push(segment(joined(...group), form));
    group = [];
  };
  for (const frame of frames) {
    if (frame.length > 300) {
      flush();
      parts.push(split(frame, 100 + size * 20, form));
    } else {
      group.push(frame);
      if (group.length > size % 4) flush();
    }
  }
  flush();
  return joined(...parts);
}

/** The frames in what left, unpacked by the tests' own reader. */
function frames(data: Uint8Array, { version, compression }: Speech): string[] {
  const plain = version < 5 ? data : unsegmented(data, compression === "lz4");
  const found: string[] = [];
  for (let at = 0; at < plain.length;) {
    const view = new DataView(plain.buffer, plain.byteOffset + at);
    const length = 9 + view.getUint32(5);
    found.push(latin1(plain, at, at + length));
    at += length;
  }
  return found;
}

function unsegmented(data: Uint8Array, lz4: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < data.length;) {
    const low = data[at]! | data[at + 1]! << 8 | data[at + 2]! << 16;
    const length = low & 0x1ffff;
    const unpacked = lz4
      ? (data[at + 2]! >> 1 | data[at + 3]! << 7 | data[at + 4]! << 15) &
        0x1ffff
      : 0;
    const start = at + (lz4 ? 8 : 6);
    const payload = data.subarray(start, start + length);
    parts.push(unpacked > 0 ? unpackLz4(payload) : payload);
    at = start + length + 4;
  }
  return joined(...parts);
}

function unpackLz4(block: Uint8Array): Uint8Array {
  const out: number[] = [];
  let at = 0;
  const more = (length: number) => {
    if (length < 15) return length;
    for (let byte = 255; byte === 255;) length += byte = block[at++]!;
    return length;
  };
  while (at < block.length) {
    const token = block[at++]!;
    for (let n = more(token >> 4); n > 0; n--) out.push(block[at++]!);
    if (at >= block.length) break;
    const distance = block[at]! | block[at + 1]! << 8;
    at += 2;
    for (let n = more(token & 15) + 4; n > 0; n--) {
      out.push(out[out.length - distance]!);
    }
  }
  return Uint8Array.from(out);
}

function cut(reply: boolean, data: Uint8Array, sizes: readonly number[]) {
  const steps: Step[] = [];
  for (let at = 0; at < data.length;) {
    const size = sizes[steps.length % sizes.length]!;
    steps.push({ reply, data: data.subarray(at, at + size) });
    at += size;
  }
  return steps;
}

const turns = fc.array(fc.constantFrom(...TURNS), {
  minLength: 1,
  maxLength: 12,
});
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), {
  minLength: 1,
  maxLength: 4,
});

Deno.test("cassandra: each request leaves or is denied on its stream, in every version, segment and cut", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SPEECHES),
      turns,
      fc.nat(20),
      sizes,
      (speech, turns, size, sizes) => {
        const { version, compression } = speech;
        const on = (stream: number) => ({ version, stream });
        const begin = startup(
          compression ? { COMPRESSION: compression } : {},
          on(0),
        );
        const learnt = PREPARED.map(([, text], i) =>
          prepare(text, on(100 + i))
        );
        const ids = PREPARED.map(([id], i) => preparedReply(id, on(100 + i)));
        const requests = turns.map(({ request }, i) => request(on(i)));
        const replies = turns.flatMap(({ denial }, i) =>
          denial === undefined
            ? [
              i % 2
                ? done(on(i))
                : reply(0x08, joined("\0\0\0\x02", LONG), on(i)),
            ]
            : []
        );
        const steps: Step[] = [
          { data: begin },
          { reply: true, data: ready(on(0)) },
          { data: travelling(learnt, speech, 0) },
          { reply: true, data: travelling(ids, speech, 0) },
          ...cut(false, travelling(requests, speech, size), sizes),
          ...cut(true, travelling(replies, speech, size), sizes),
        ];
        const { forward, reply: back, closed, log } =
          replay(cassandra, RULES, steps).outcome;

        assertEquals(closed, false, JSON.stringify(log.at(-1)));
        // What was packed by the test is compared as it was sent.
        const sent = joined(
          begin,
          travelling(
            learnt,
            speech,
            0,
          ),
        );
        const allowed = requests.filter((_, i) => !turns[i]!.denial);
        const left = forward.subarray(sent.length);
        if (version >= 5) {
          assertEquals(
            frames(left, speech),
            allowed.map((frame) => latin1(frame)),
          );
        } else {
          const packedAs = requests.flatMap((frame, i) =>
            turns[i]!.denial ? [] : [
              compression === "" || i % 3 === 2
                ? frame
                : packed(frame, compression),
            ]
          );
          assertEquals(latin1(left), latin1(joined(...packedAs)));
        }
        const answers = version >= 5
          ? frames(
            back.subarray(
              joined(ready(on(0)), travelling(ids, speech, 0)).length,
            ),
            speech,
          )
          : undefined;
        const denials = turns.flatMap(({ denial }, i) =>
          denial === undefined ? [] : [latin1(denied(denial, on(i)))]
        );
        for (const text of denials) {
          const count = answers
            ? answers.filter((answer) => answer === text).length
            : latin1(back).split(text).length - 1;
          assertEquals(count, 1);
        }
        if (answers) {
          assertEquals(
            answers.length,
            denials.length + replies.length,
          );
        }
      },
    ),
    RUNS,
  );
});

Deno.test("cassandra: segments of anything are decided without a panic, the same in all cuts", () => {
  const frameLike = fc.tuple(
    fc.constantFrom(...TURNS),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }),
  ).map(([turn, edits]) => {
    const data = turn.request({ version: 5, stream: 1 });
    for (const [at, value] of edits) data[at % data.length] = value;
    return data;
  });
  const piece = fc.tuple(
    fc.array(frameLike, { maxLength: 4 }),
    fc.boolean(),
    fc.boolean(),
    fc.integer({ min: 1, max: 400 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      sizes,
      (pieces, lz4, sizes) => {
        const wrapped = pieces.map(([frames, isSplit, isPacked, size]) => {
          const form = { lz4, packed: lz4 && isPacked };
          const data = joined(...frames);
          return isSplit ? split(data, size, form) : segment(data, form);
        });
        const begin: Step[] = [
          {
            data: startup(lz4 ? { COMPRESSION: "lz4" } : {}, { version: 5 }),
          },
          { reply: true, data: ready({ version: 5 }) },
        ];
        const whole = replay(cassandra, RULES, [...begin, {
          data: joined(...wrapped),
        }]);
        const parts = replay(cassandra, RULES, [
          ...begin,
          ...cut(false, joined(...wrapped), sizes),
        ]);
        assertEquals(
          [...whole.stateChanges, ...parts.stateChanges],
          [],
        );
        const shown = ({ outcome }: typeof whole) => [
          latin1(outcome.forward),
          latin1(outcome.reply),
          outcome.closed,
          outcome.log,
        ];
        assertEquals(shown(parts), shown(whole));
        assertEquals(
          whole.outcome.log.filter(({ reason }) => reason === "panic"),
          [],
        );
      },
    ),
    RUNS,
  );
});
