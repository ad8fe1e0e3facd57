/**
 * Random conversations against a model of the server that answers everything
 * it is sent: what leaves is what was allowed and nothing else, and the client
 * gets each answer and each denial once, in the order of its requests, however
 * the bytes are cut.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { bytes, latin1 } from "parley/proxylib";
import { replay, type Step } from "parley/testkit";
import { BARRIER } from "./binary.ts";
import memcache from "./mod.ts";
import { denial, joined, packet, response } from "./testkit.ts";

const RUNS = { seed: 20_261_124, numRuns: 400 };
const RULES = [
  { command: "get", keyPrefix: "a" },
  { command: "set", keyPrefix: "a" },
  { command: "stats" },
];

/** A request, and what must come of it. */
interface Turn {
  readonly request: Uint8Array;
  /** The server's answer; absent: it is denied, or silent. */
  readonly answer?: Uint8Array;
  /** What the client gets instead. */
  readonly denial?: Uint8Array;
  readonly isAllowed: boolean;
}

interface Protocol {
  readonly turns: fc.Arbitrary<Turn>;
  readonly barrier: Uint8Array;
  readonly barrierReply: Uint8Array;
}

const NO = bytes("CLIENT_ERROR access denied\r\n");
const key = fc.constantFrom("a", "a1", "b");
const value = fc.constantFrom(
  "",
  "x",
  "END",
  "\r\nEND\r\n",
  "mnm",
  "\nget b\r\n",
);

function turn(
  request: Uint8Array | string,
  isAllowed: boolean,
  answer: Uint8Array | string,
  denial = NO,
): Turn {
  const text = joined(request);
  return isAllowed
    ? { request: text, isAllowed, answer: joined(answer) }
    : { request: text, isAllowed, denial };
}

const isOpen = (key: string) => key.startsWith("a");
const data = (value: string) => `${value.length}\r\n${value}\r\n`;

const TEXT: Protocol = {
  barrier: bytes("mn\r\n"),
  barrierReply: bytes("MN\r\n"),
  turns: fc.oneof(
    fc.tuple(fc.array(key, { minLength: 1, maxLength: 3 }), value)
      .map(([keys, value]) =>
        turn(
          `get ${keys.join(" ")}\r\n`,
          keys.every(isOpen),
          keys.map((key) => `VALUE ${key} 0 ${data(value)}`).join("") +
            "END\r\n",
        )
      ),
    fc.tuple(key, value).map(([key, value]) =>
      turn(`set ${key} 0 0 ${data(value)}`, isOpen(key), "STORED\r\n")
    ),
    fc.tuple(key, value).map(([key, value]) =>
      turn(
        `set ${key} 0 0 ${data(value).replace("\r\n", " noreply\r\n")}`,
        isOpen(key),
        "",
        bytes(""),
      )
    ),
    fc.tuple(key, value, fc.boolean()).map(([key, value, isHit]) =>
      turn(`mg ${key} v q\r\n`, isOpen(key), isHit ? `VA ${data(value)}` : "")
    ),
    fc.tuple(key, value, fc.boolean()).map(([key, value, isError]) =>
      turn(
        `ms ${key} ${data(value).replace("\r\n", " q\r\n")}`,
        isOpen(key),
        isError ? "NS\r\n" : "",
      )
    ),
    fc.tuple(key, value).map(([key, value]) =>
      turn(`mg ${key} v\r\n`, isOpen(key), `VA ${data(value)}`)
    ),
    fc.tuple(key).map(([key]) =>
      turn(
        `md ${key} Ox\r\n`,
        false,
        "",
        bytes("CLIENT_ERROR access denied Ox\r\n"),
      )
    ),
    fc.constantFrom(
      turn("stats\r\n", true, "STAT pid 1\r\nEND\r\n"),
      turn("version\r\n", false, ""),
      turn("get\r\n", false, "", bytes("ERROR\r\n")),
      turn("quit\r\n", false, "", bytes("")),
    ),
  ),
};

const opaque = fc.nat(3);

const BINARY: Protocol = {
  barrier: BARRIER.bytes,
  barrierReply: response(0x0a, { opaque: BARRIER.request.opaque }),
  turns: fc.oneof(
    fc.tuple(
      fc.constantFrom(0x00, 0x09, 0x0c, 0x0d),
      key,
      value,
      opaque,
      fc.boolean(),
    )
      .map(([opcode, key, value, opaque, isHit]) => {
        const isQuiet = opcode === 0x09 || opcode === 0x0d;
        const hit = response(opcode, { extras: 4, value, opaque });
        const miss = isQuiet ? "" : response(opcode, { status: 1, opaque });
        return turn(
          packet(opcode, { key, opaque }),
          isOpen(key),
          isHit ? hit : miss,
          denial(opcode, opaque),
        );
      }),
    fc.tuple(fc.constantFrom(0x01, 0x11), key, value, opaque)
      .map(([opcode, key, value, opaque]) =>
        turn(
          packet(opcode, { extras: 8, key, value, opaque }),
          isOpen(key),
          opcode === 0x01 ? response(opcode, { opaque }) : "",
          denial(opcode, opaque),
        )
      ),
    opaque.map((opaque) =>
      turn(
        packet(0x10, { opaque }),
        true,
        joined(
          response(0x10, { key: "pid", value: "1", opaque }),
          response(0x10, { opaque }),
        ),
      )
    ),
    fc.tuple(fc.constantFrom(0x04, 0x0b, 0x20), opaque).map(
      ([opcode, opaque]) =>
        turn(
          packet(opcode, { key: opcode === 0x04 ? "a" : "", opaque }),
          false,
          "",
          denial(opcode, opaque),
        ),
    ),
    opaque.map((opaque) =>
      turn(
        packet(0x40, { opaque }),
        false,
        "",
        response(0x40, { status: 0x81, opaque, value: "Unknown command" }),
      )
    ),
  ),
};

/** What the server would send for what was forwarded; fails if that is not the allowed requests and barriers. */
function serve(
  forwarded: Uint8Array,
  turns: readonly Turn[],
  { barrier, barrierReply }: Protocol,
): Uint8Array {
  const text = latin1(forwarded);
  const replies: Uint8Array[] = [];
  let at = 0;
  const takeBarrier = () => {
    if (!text.startsWith(latin1(barrier), at)) return;
    replies.push(barrierReply);
    at += barrier.length;
  };
  for (const { request, answer } of turns.filter((turn) => turn.isAllowed)) {
    takeBarrier();
    assertEquals(
      text.slice(at, at + request.length),
      latin1(request),
      `what was forwarded at byte ${at}`,
    );
    at += request.length;
    replies.push(answer!);
  }
  takeBarrier();
  assertEquals(at, text.length, "nothing else was forwarded");
  return joined(...replies);
}

/** Steps of given sizes, taken in turn. */
function cut(reply: boolean, data: Uint8Array, sizes: readonly number[]) {
  const steps: Step[] = [];
  for (let at = 0; at < data.length;) {
    const size = sizes[steps.length % sizes.length]!;
    steps.push({ reply, data: data.subarray(at, at + size) });
    at += size;
  }
  return steps;
}

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), {
  minLength: 1,
  maxLength: 4,
});

function holds(name: string, protocol: Protocol): void {
  const turns = fc.array(protocol.turns, { minLength: 1, maxLength: 12 });
  Deno.test(`memcache ${name}: each request leaves or is denied, each answer comes in its turn, in all cuts`, () => {
    fc.assert(
      fc.property(turns, turns, sizes, (first, second, sizes) => {
        const steps: Step[] = [];
        const run = () => replay(memcache, RULES, steps).outcome;
        let answered = 0;
        // The second half is sent when the first has been answered in part.
        for (const half of [first, second]) {
          steps.push(
            ...cut(false, joined(...half.map(({ request }) => request)), sizes),
          );
          const sent = half === first ? first : [...first, ...second];
          const replies = serve(run().forward, sent, protocol);
          const ready = half === first
            ? Math.floor(replies.length / 2)
            : replies.length;
          steps.push(...cut(true, replies.subarray(answered, ready), sizes));
          answered = ready;
        }
        const all = [...first, ...second];
        const { reply, closed } = run();
        assertEquals(
          latin1(reply),
          all.map(({ answer, denial }) => latin1(answer ?? denial!)).join(""),
        );
        assertEquals(closed, false);
      }),
      RUNS,
    );
  });
}

holds("text and meta", TEXT);
holds("binary", BINARY);
