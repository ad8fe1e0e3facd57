/** What the engine does with verdicts, as a table of conversations. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { bytes, drop, error, line, more, nop, pass } from "parley/proxylib";
import { Stream } from "./stream.ts";
import { Bench, inTurn, type Script } from "./stream_harness_test.ts";

/** Frames that end with ".": "d…" is dropped, "e…" an error, "i…" echoed and dropped, "t…" throws. */
const dotted: Script = ({ reply, text }, stream) => {
  const length = text.indexOf(".") + 1;
  if (length === 0) return text === "" ? nop() : more(1);
  switch (text[0]) {
    case "d":
      return drop(length);
    case "e":
      return error("bad-frame");
    case "i":
      stream.inject(!reply, bytes(text.slice(0, length)));
      return drop(length);
    case "t":
      throw new Error("thrown");
    default:
      return pass(length);
  }
};

interface Row {
  readonly name: string;
  readonly script: Script;
  readonly feed: readonly string[];
  readonly events: readonly string[];
  /** Calls of the parser: direction, bytes, "$" at end of stream, "@" and what was seen. */
  readonly calls?: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    name: "passes and drops frame by frame",
    script: dotted,
    feed: [">a.db.c."],
    events: [">a.", ">c."],
  },
  {
    name: "asks again after each decision, with nothing left too",
    script: dotted,
    feed: [">a.db."],
    events: [">a."],
    calls: [">a.db.@0", ">db.@0", ">@0"],
  },
  {
    name: "PASS past the bytes at hand passes the rest unseen",
    script: inTurn(pass(6)),
    feed: [">abc", ">de", ">fg"],
    events: [">abc", ">de", ">f"],
    calls: [">abc@0", ">g@0"],
  },
  {
    name: "DROP past the bytes at hand drops the rest unseen",
    script: inTurn(drop(6), pass(1)),
    feed: [">abc", ">de", ">fg"],
    events: [">g"],
    calls: [">abc@0", ">g@0", ">@0"],
  },
  {
    name: "MORE waits until that many more have come",
    script: inTurn(more(3), pass(5)),
    feed: [">ab", ">c", ">d", ">e"],
    events: [">abcde"],
    calls: [">ab@0", ">abcde@2", ">@0"],
  },
  {
    name: "says how much was seen before, from MORE to MORE",
    script: dotted,
    feed: [">a", ">bc", ">d.e"],
    events: [">abcd."],
    calls: [">a@0", ">abc@1", ">abcd.e@3", ">e@0"],
  },
  {
    name: "MORE at end of stream reports the fragment and forwards none of it",
    script: dotted,
    feed: [">a.bc$"],
    events: [">a.", ">partial 2", ">$"],
    calls: [">a.bc$@0", ">bc$@0"],
  },
  {
    name:
      "asks once more at end of stream though fewer bytes came than asked for",
    script: inTurn(more(9), pass(2)),
    feed: [">ab", ">$"],
    events: [">ab", ">$"],
    calls: [">ab@0", ">ab$@2", ">$@0"],
  },
  {
    name: "a frame that was passed ends where its stream does, unreported",
    script: inTurn(pass(9)),
    feed: [">abc$"],
    events: [">abc", ">$"],
  },
  {
    name: "ends an empty stream",
    script: dotted,
    feed: [">$", "<$"],
    events: [">$", "<$"],
  },
  {
    name: "each direction ends by itself",
    script: dotted,
    feed: [">a.$", "<b.", "<c.$"],
    events: [">a.", ">$", "<b.", "<c.", "<$"],
  },
  {
    name: "takes nothing after the end of a stream",
    script: dotted,
    feed: [">a.$", ">b."],
    events: [">a.", ">$"],
  },
  {
    name: "injects at once between frames",
    script: dotted,
    feed: [">ix.", "<b.", ">iy."],
    events: ["<ix.", "<b.", "<iy."],
  },
  {
    name: "injects before an unfinished frame of which nothing has left",
    script: dotted,
    feed: ["<bc", ">ix.", "<d."],
    events: ["<ix.", "<bcd."],
  },
  {
    name:
      "an injection waits for the frame that is being passed, and keeps its order",
    script: (call, stream) =>
      call.reply && call.text !== "" ? pass(4) : dotted(call, stream),
    feed: ["<ab", ">ix.iy.", "<c", "<defgh"],
    events: ["<ab", "<c", "<d", "<ix.", "<iy.", "<efgh"],
  },
  {
    name: "an injection does not wait for a frame that is being dropped",
    script: (call, stream) =>
      call.reply && call.text !== "" ? drop(4) : dotted(call, stream),
    feed: ["<ab", ">ix.a.", "<cd"],
    events: ["<ix.", ">a."],
  },
  {
    name: "an injection into a direction that is over is let go",
    script: dotted,
    feed: ["<$", ">ix.a."],
    events: ["<$", ">a."],
  },
  {
    name: "an error closes after what was decided before, with nothing after",
    script: dotted,
    feed: [">a.ix.e.b.", ">c.", "<d."],
    events: ["<ix.", ">a.", "fail bad-frame"],
  },
  {
    name:
      "a parser that throws fails its connection after what was decided before",
    script: dotted,
    feed: [">a.t.", ">b.", "<c.", ">$"],
    events: [">a.", "fail panic"],
  },
  {
    name: "NOP without bytes waits for the next ones",
    script: dotted,
    feed: [">a.", ">", ">b."],
    events: [">a.", ">b."],
    calls: [">a.@0", ">@0", ">b.@0", ">@0"],
  },
];

for (const { name, script, feed, events, calls } of ROWS) {
  Deno.test(`Stream ${name}`, () => {
    const bench = new Bench(script).feed(...feed);
    assertEquals(bench.events, events);
    if (calls) assertEquals(bench.calls, calls);
  });
}

Deno.test("Stream shows each byte of a long line once as new, however it is cut", () => {
  let fresh = 0;
  const stream = new Stream(
    {
      onData(_reply, _end, data, seen) {
        fresh += data.length - seen;
        return data.length === 0 ? nop() : line(data, seen, 100_000);
      },
    },
    { write() {}, end() {}, partial() {}, fail() {}, repliesDone() {} },
    100_000,
  );
  for (let i = 0; i < 50_000; i++) stream.feed(false, bytes("x"), false);
  stream.feed(false, bytes("\n"), false);
  assertEquals(fresh, 50_001);
});

Deno.test("Stream calls a parser that knows what it wants twice per frame, not once per read", () => {
  const bench = new Bench(inTurn(more(999), pass(1000)), 2000);
  for (let i = 0; i < 1000; i++) bench.feed(">x");
  assertEquals(bench.calls.length, 3); // the third finds nothing left
});
