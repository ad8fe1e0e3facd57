import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { type Case, replay, testParser } from "parley/testkit";
import { BARRIER } from "./binary.ts";
import memcache from "./mod.ts";
import { denial, joined, packet, response } from "./testkit.ts";

const GETS = [{ command: "get" }];
const getq = (key: string, opaque: number) => packet(0x09, { key, opaque });
const noopReply = response(0x0a, { opaque: BARRIER.request.opaque });

testParser("memcache binary", memcache, [
  {
    name: "answers a denial in its turn, as the request's own",
    rules: GETS,
    steps: [
      {
        data: joined(
          packet(0, { key: "a", opaque: 1 }),
          packet(4, { key: "a", opaque: 0xdeadbeef }),
          packet(0, { key: "b", opaque: 3 }),
        ),
      },
      { reply: true, data: response(0, { opaque: 1, status: 1 }) },
      { reply: true, data: response(0, { opaque: 3, extras: 4, value: "B" }) },
    ],
    expect: [
      {
        out: joined(
          packet(0, { key: "a", opaque: 1 }),
          packet(0, { key: "b", opaque: 3 }),
        ),
        back: "",
      },
      {
        out: joined(
          response(0, { opaque: 1, status: 1 }),
          denial(4, 0xdeadbeef),
        ),
      },
      { out: response(0, { opaque: 3, extras: 4, value: "B" }) },
    ],
  },
  {
    name: "sends a barrier behind quiet requests, and swallows its reply",
    rules: GETS,
    steps: [
      { data: joined(getq("a", 1), getq("b", 2), packet(4, { key: "a" })) },
      { reply: true, data: response(9, { opaque: 2, extras: 4, value: "B" }) },
      { reply: true, data: noopReply },
    ],
    expect: [
      { out: joined(getq("a", 1), getq("b", 2), BARRIER.bytes), back: "" },
      { out: response(9, { opaque: 2, extras: 4, value: "B" }) },
      { out: denial(4) },
    ],
  },
  {
    name: "sends none where a later reply shows that quiet requests are done",
    rules: GETS,
    steps: [
      {
        data: joined(
          getq("a", 1),
          packet(0, { key: "b", opaque: 2 }),
          packet(4, { key: "a", opaque: 3 }),
        ),
      },
      { reply: true, data: response(9, { opaque: 1 }) },
      { reply: true, data: response(0, { opaque: 2, status: 1 }) },
    ],
    expect: [
      { out: joined(getq("a", 1), packet(0, { key: "b", opaque: 2 })) },
      { out: response(9, { opaque: 1 }) },
      { out: joined(response(0, { opaque: 2, status: 1 }), denial(4, 3)) },
    ],
  },
  {
    name: "answers a denied quiet request, and not a denied quitq",
    rules: GETS,
    steps: [{
      data: joined(
        packet(0x17),
        packet(0x11, { extras: 8, key: "a", value: "v", opaque: 5 }),
      ),
    }],
    total: { forward: "", reply: denial(0x11, 5), closed: false },
  },
  {
    name: "waits for the last packet of statistics",
    rules: [{ command: "stats" }],
    steps: [
      { data: joined(packet(0x10), packet(0, { key: "a" })) },
      { reply: true, data: response(0x10, { key: "pid", value: "1" }) },
      { reply: true, data: response(0x10, { key: "threads", value: "4" }) },
      { reply: true, data: response(0x10) },
    ],
    expect: [
      { out: packet(0x10), back: "" },
      { out: response(0x10, { key: "pid", value: "1" }) },
      { out: response(0x10, { key: "threads", value: "4" }) },
      { out: joined(response(0x10), denial(0)) },
    ],
  },
  {
    name: "lets a set through from its head alone, and its value unheld",
    rules: [{ command: "set" }],
    steps: [
      { data: packet(1, { extras: 8, key: "a", bodyBytes: 9 + 4000 }) },
      { data: "x".repeat(4000) },
    ],
    expect: [
      { out: packet(1, { extras: 8, key: "a", bodyBytes: 9 + 4000 }) },
      { out: "x".repeat(4000) },
    ],
  },
  {
    name: "drops a denied set from its head alone, and its value unheld",
    rules: GETS,
    steps: [
      { data: packet(1, { extras: 8, key: "a", bodyBytes: 9 + 4000 }) },
      { data: "x".repeat(4000) },
      { data: packet(0, { key: "a" }) },
    ],
    expect: [
      { out: "", back: denial(1) },
      { out: "", back: "" },
      { out: packet(0, { key: "a" }), back: "" },
    ],
  },
  {
    name: "holds nothing of what a server says first",
    steps: [{ reply: true, data: response(0, { opaque: 1 }) }],
    total: { reply: response(0, { opaque: 1 }) },
  },
  {
    name: "answers an unknown opcode and goes on",
    steps: [{ data: joined(packet(0x40, { opaque: 9 }), packet(0x0b)) }],
    total: {
      forward: packet(0x0b),
      reply: response(0x40, {
        status: 0x81,
        opaque: 9,
        value: "Unknown command",
      }),
      closed: false,
    },
  },
  {
    name: "answers what is outstanding before it closes on a malformed packet",
    steps: [
      {
        data: joined(
          packet(0, { key: "a" }),
          packet(0, { extras: 4, key: "a", opaque: 2 }),
          packet(0, { key: "b" }),
        ),
      },
      { reply: true, data: response(0, { status: 1 }) },
    ],
    expect: [{ out: packet(0, { key: "a" }), back: "" }, {
      out: joined(
        response(0, { status: 1 }),
        response(0, { status: 4, opaque: 2, value: "Invalid arguments" }),
      ),
      closed: true,
    }],
  },
  {
    name: "answers quiet requests before it closes, too",
    steps: [
      { data: joined(getq("a", 1), "get a\r\n") },
      { reply: true, data: response(9, { opaque: 1 }) },
      { reply: true, data: noopReply },
    ],
    expect: [
      { out: joined(getq("a", 1), BARRIER.bytes) },
      { out: response(9, { opaque: 1 }) },
      { out: "", closed: true },
    ],
  },
]);

Deno.test("memcache remembers what it speaks from the first request on", () => {
  const talk: [Case["steps"][number]["data"], string][] = [
    [joined("get a\r\n", packet(0, { key: "a" }), "\n"), "text text"],
    [joined(packet(0, { key: "a" }), packet(0x0b)), "binary binary"],
  ];
  for (const [data, want] of talk) {
    const { outcome } = replay(memcache, [], [{ data }]);
    const found = outcome.log.map(({ fields }) => fields["protocol"]);
    assertEquals(found.join(" "), want);
  }
});
