/**
 * What the engine does, as a table of conversations, and as properties held
 * against a simple model. Its parsers are scripts: functions, or lists of
 * verdicts.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import {
  bytes,
  drop,
  error,
  errorInTurn,
  latin1,
  line,
  more,
  nop,
  type Parser,
  pass,
  type Verdict,
} from "parley/proxylib";
import { Stream } from "./stream.ts";

type Script = (
  call: {
    readonly reply: boolean;
    readonly end: boolean;
    readonly text: string;
    readonly seen: number;
  },
  stream: Stream,
) => Verdict;

/** A stream under test with all that came of it, as text. */
class Bench {
  readonly events: string[] = [];
  readonly calls: string[] = [];
  readonly stream: Stream;

  constructor(script: Script, frameBytes = 64) {
    const parser: Parser = {
      onData: (reply, end, data, seen) => {
        const text = latin1(data);
        this.calls.push(`${reply ? "<" : ">"}${text}${end ? "$" : ""}@${seen}`);
        return script({ reply, end, text, seen }, this.stream);
      },
    };
    this.stream = new Stream(parser, {
      write: (reply, data) => this.#note(reply, latin1(data)),
      end: (reply) => this.#note(reply, "$"),
      partial: (reply, count) => this.#note(reply, `partial ${count}`),
      fail: ({ reason }, repliesDue) =>
        this.events.push(`fail ${reason}${repliesDue ? ", replies due" : ""}`),
      repliesDone: () => this.events.push("replies done"),
    }, frameBytes);
  }

  #note(reply: boolean, text: string): void {
    this.events.push(`${reply ? "<" : ">"}${text}`);
  }

  /** ">text" is the client's, "<text" the server's; a "$" at its end ends the stream. */
  feed(...chunks: string[]): this {
    for (const chunk of chunks) {
      const end = chunk.endsWith("$");
      const data = bytes(chunk.slice(1, end ? -1 : undefined));
      this.stream.feed(chunk[0] === "<", data, end);
      data.fill(0xee); // a transport reuses its buffer
    }
    return this;
  }
}

/** Answers the given verdicts in turn, then NOP. */
function inTurn(...verdicts: Verdict[]): Script {
  return () => verdicts.shift() ?? nop();
}

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

/** Requests wait for a reply each: ">" frames pass one per "<" frame. */
function lockstep(): Script {
  let credit = 0;
  return ({ reply, text }) => {
    if (text === "") return nop();
    if (reply) credit++;
    else if (credit-- <= 0) {
      credit = 0;
      return nop();
    }
    return pass(2);
  };
}

Deno.test("Stream NOP with bytes at hand pauses until the other direction moves", () => {
  const bench = new Bench(lockstep());
  bench.feed(">a.b.");
  assertEquals([bench.stream.paused(false), bench.events], [true, []]);
  bench.feed("<A.");
  assertEquals(bench.events, ["<A.", ">a."]);
  assertEquals(bench.stream.paused(false), true);
  bench.feed("<B.");
  assertEquals(bench.events.slice(2), ["<B.", ">b."]);
  assertEquals(bench.stream.paused(false), false);
});

Deno.test("Stream a paused direction keeps its end until it is woken", () => {
  const bench = new Bench(lockstep()).feed(">a.$");
  assertEquals(bench.events, []);
  bench.feed("<A.");
  assertEquals(bench.events, ["<A.", ">a.", ">$"]);
});

Deno.test("Stream a paused direction that nothing can wake any more is reported and ended", () => {
  const bench = new Bench(lockstep()).feed(">a.$", "<$");
  assertEquals(bench.events, ["<$", ">partial 2", ">$"]);
});

Deno.test("Stream wakes a direction that waits for one that has just been woken", () => {
  // The request passes once a reply was seen, the reply once the request passed.
  let [seen, passed] = [false, false];
  const bench = new Bench(({ reply, text }) => {
    if (text === "") return nop();
    if (reply) {
      seen = true;
      return passed ? pass(text.length) : nop();
    }
    if (!seen) return nop();
    passed = true;
    return pass(text.length);
  });
  bench.feed(">ask", "<answer");
  assertEquals(bench.events, [">ask", "<answer"]);
});

const GARBAGE: readonly [name: string, answer: unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["a text", "pass"],
  ["a promise", Promise.resolve(pass(1))],
  ["an unknown operation", { ...pass(1), op: "leap" }],
  ["no operation", {}],
  ["an error without a code", { op: "error" }],
  ...["pass", "drop", "more"].flatMap((op) =>
    [0, -1, 0.5, NaN, Infinity, "1", undefined].map((
      count,
    ): [string, unknown] => [`${op} of ${count} bytes`, { op, bytes: count }])
  ),
];

for (const [name, answer] of GARBAGE) {
  Deno.test(`Stream takes ${name} for a panic, after what was decided before`, () => {
    const answers = [pass(1), answer as Verdict];
    const bench = new Bench(() => answers.shift()!);
    bench.feed(">ab", ">c", "<d");
    assertEquals(bench.events, [">a", "fail panic"]);
    assertEquals(bench.stream.failed, true);
  });
}

const NO_TEXT = [
  {
    name: "a thrown object without text",
    onData: () => {
      throw Object.create(null);
    },
  },
  {
    name: "a verdict that is another at the second look",
    onData() {
      let looks = 0;
      return {
        get op() {
          return looks++ === 0 ? "nonsense" : "pass";
        },
        bytes: 1,
      };
    },
  },
  {
    name: "a promise that is rejected later",
    onData: () => Promise.reject(new Error("unseen")),
  },
];

for (const { name, onData } of NO_TEXT) {
  Deno.test(`Stream takes ${name} for a panic`, () => {
    const reasons: string[] = [];
    const stream = new Stream(
      { onData: onData as unknown as Parser["onData"] },
      {
        write: () => reasons.push("written"),
        end() {},
        partial() {},
        fail: ({ reason }) => reasons.push(reason),
        repliesDone() {},
      },
      64,
    );
    stream.feed(true, bytes("x"), false);
    assertEquals(reasons, ["panic"]);
  });
}

Deno.test("Stream refuses requests but lets replies pass until the parser says that the last is through", () => {
  const run = new Bench((call) => {
    if (call.text === "") return nop();
    if (!call.reply) {
      return call.text === "bad" ? errorInTurn("malformed") : pass(3);
    }
    return call.text === "end" ? error("malformed") : pass(3);
  });
  run.feed(">abc", ">bad", ">xyz", "<one", "<end", "<two");
  assertEquals(run.events, [
    ">abc",
    "fail malformed, replies due",
    "<one",
    "replies done",
  ]);
});

Deno.test("Stream takes the server's end for the end of the replies due", () => {
  const run = new Bench((call) =>
    call.text === "" ? nop() : call.reply ? pass(1) : errorInTurn("malformed")
  );
  run.feed(">x", "<$");
  assertEquals(run.events, ["fail malformed, replies due", "replies done"]);
});

Deno.test("Stream fails at once where the server has ended before", () => {
  const run = new Bench((call) =>
    call.text === "" ? nop() : errorInTurn("malformed")
  );
  run.feed("<$", ">x");
  assertEquals(run.events, ["<$", "fail malformed"]);
});

Deno.test("Stream names what a parser threw, whatever it was", () => {
  for (const thrown of [new Error("gone"), "gone"]) {
    let detail = "";
    const stream = new Stream(
      {
        onData() {
          throw thrown;
        },
      },
      {
        write() {},
        end() {},
        partial() {},
        fail: (failure) => detail = failure.detail,
        repliesDone() {},
      },
      64,
    );
    stream.feed(true, bytes("x"), false);
    assertEquals(detail, "Panic: gone (in the reply direction)");
  }
});

Deno.test("Stream holds a frame of the greatest length, and refuses to wait for a longer one", () => {
  const exact = new Bench(inTurn(more(63), pass(64)));
  assertEquals(exact.feed(">x", ">" + "y".repeat(63)).events.length, 1);
  const longer = new Bench(inTurn(more(64)));
  assertEquals(longer.feed(">a").events, ["fail limit"]);
});

Deno.test("Stream lets frames longer than the limit through that are decided from their heads", () => {
  const bench = new Bench(inTurn(pass(1000), drop(1000), pass(1)));
  for (let i = 0; i < 200; i++) bench.feed(">0123456789");
  bench.feed(">z");
  assertEquals(bench.events.join("").replaceAll(">", "").length, 1001);
});

Deno.test("Stream bounds what a paused direction keeps if it is fed all the same", () => {
  const bench = new Bench(() => nop());
  bench.feed(">" + "x".repeat(64));
  assertEquals(bench.events, []);
  bench.feed(">x");
  assertEquals(bench.events, ["fail limit"]);
});

for (const reply of [false, true]) {
  const [own, from, name] = reply ? ["<", ">", "client"] : [">", "<", "server"];
  Deno.test(`Stream bounds what is injected while a frame to the ${name} is under way`, () => {
    // A frame of which some has left: nothing may be put between.
    const begun = new Bench((call, stream) => {
      if (call.reply === reply) return pass(1000);
      if (call.text === "") return nop();
      stream.inject(reply, new Uint8Array(16));
      return drop(1);
    });
    begun.feed(`${own}x`);
    begun.feed(...Array.from({ length: 4 }, () => `${from}y`));
    assertEquals(begun.events, [`${own}x`], "as much as a frame may hold");
    assertEquals(begun.feed(`${from}y`).events, [`${own}x`, "fail limit"]);
  });

  Deno.test(`Stream bounds what is injected if the ${name} does not read`, () => {
    const bench = new Bench(() => nop());
    bench.stream.inject(reply, new Uint8Array(14), 50);
    assertEquals(bench.events.length, 1);
    bench.stream.inject(reply, new Uint8Array(14), 51);
    assertEquals(bench.events.slice(1), ["fail limit"]);
    bench.stream.inject(reply, new Uint8Array(14), 0);
    assertEquals(bench.events.length, 2, "it is over");
  });
}

const HELLO = "\x16\x03\x01\x00\x05\x01";

for (let at = 0; at < HELLO.length; at++) {
  Deno.test(`Stream refuses a ClientHello cut at byte ${at}, unseen by the parser`, () => {
    const bench = new Bench(({ text }) => text ? pass(text.length) : nop());
    bench.feed(`>${HELLO.slice(0, at)}`, `>${HELLO.slice(at)}rest`, "<x");
    assertEquals([bench.events, bench.calls], [["fail tls"], []]);
  });
}

const NO_HELLO: readonly [name: string, feed: string[], events: string[]][] = [
  ["a near miss", [">\x16\x03\x01\x00\x05\x02"], [">\x16\x03\x01\x00\x05\x02"]],
  ["a start that comes to nothing", [">\x16", ">\x03", ">x"], [">\x16\x03x"]],
  ["a start at end of stream", [">\x16\x03$"], [">\x16\x03", ">$"]],
  ["one later in the stream", [">x", `>${HELLO}`], [">x", `>${HELLO}`]],
  ["one of the server", [`<${HELLO}`], [`<${HELLO}`]],
];

for (const [name, feed, events] of NO_HELLO) {
  Deno.test(`Stream does not take ${name} for a TLS client`, () => {
    const bench = new Bench(({ text }) => text ? pass(text.length) : nop());
    assertEquals(bench.feed(...feed).events, events);
  });
}

Deno.test("Stream refuses a TLS client also where the server spoke first", () => {
  const bench = new Bench(({ text }) => text ? pass(text.length) : nop());
  assertEquals(bench.feed("<hello", `>${HELLO}`).events, [
    "<hello",
    "fail tls",
  ]);
});

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

/** One frame of the scripted protocol: what its parser does with it. */
interface Frame {
  readonly op: "pass" | "drop" | "inject";
  readonly length: number;
  /** Bytes that the parser wants to see before it decides. */
  readonly head: number;
}

const frame: fc.Arbitrary<Frame> = fc.record({
  op: fc.constantFrom("pass", "drop", "inject"),
  length: fc.integer({ min: 1, max: 30 }),
  head: fc.integer({ min: 1, max: 30 }),
});

Deno.test("Stream puts out what came in, less what was dropped, plus what was injected", () => {
  const frames = fc.array(frame, { minLength: 1, maxLength: 20 });
  const sizes = fc.array(fc.integer({ min: 1, max: 25 }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(frames, sizes, fc.nat(40), (frames, sizes, missing) => {
      const letters = frames.map(({ length }, i) =>
        String.fromCharCode(97 + i).repeat(length)
      );
      const input = letters.join("").slice(0, -missing || undefined);
      const { forward, reply } = model(frames, letters, input.length);

      let at = 0;
      const bench = new Bench(({ reply, text }, stream) => {
        const next = frames[at];
        if (reply || text === "" || !next) return nop();
        const head = Math.min(next.head, next.length);
        if (text.length < head) return more(head - text.length);
        at++;
        if (next.op === "pass") return pass(next.length);
        if (next.op === "inject") {
          stream.inject(true, bytes(`<${at}>`));
          stream.inject(false, bytes(`[${at}]`));
        }
        return drop(next.length);
      });
      for (let from = 0, turn = 0; from < input.length; turn++) {
        const size = sizes[turn % sizes.length]!;
        bench.feed(`>${input.slice(from, from + size)}`);
        from += size;
      }
      bench.feed(">$");
      const out = (mark: string) =>
        bench.events.filter((event) => event[0] === mark)
          .map((event) => event.slice(1)).join("");
      assertEquals(out(">").replace(/(partial \d+)?\$$/, ""), forward);
      assertEquals(out("<"), reply);
    }),
    { seed: 3, numRuns: 500 },
  );
});

/** What should leave, worked out from the whole input at once. */
function model(
  frames: readonly Frame[],
  letters: readonly string[],
  available: number,
): { forward: string; reply: string } {
  let [forward, reply, left] = ["", "", available];
  for (const [i, { op, length, head }] of frames.entries()) {
    if (left < Math.min(head, length)) break; // never decided
    if (op === "pass") forward += letters[i]!.slice(0, left);
    if (op === "inject") {
      forward += `[${i + 1}]`;
      reply += `<${i + 1}>`;
    }
    left -= length;
    if (left <= 0) break;
  }
  return { forward, reply };
}

Deno.test("Stream never holds more than its bound between reads", () => {
  const LIMIT = 64;
  const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 40 });
  const answer = fc.tuple(
    fc.constantFrom(more, more, pass, drop),
    fc.integer({ min: 1, max: 70 }),
  ).map(([make, count]) => make(count));
  const answers = fc.array(fc.oneof(answer, fc.constant(nop())), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(sizes, answers, (sizes, answers) => {
      const queue = [...answers];
      let [fed, settled, carry] = [0, 0, 0];
      const bench = new Bench(({ text }) => {
        // Whatever the parser decided before and was here is settled by now.
        settled += carry;
        carry = 0;
        if (text.length === 0) return nop();
        const verdict = queue.shift() ?? nop();
        if (verdict.op === "pass" || verdict.op === "drop") {
          carry = verdict.bytes;
        }
        return verdict;
      }, LIMIT);
      for (const size of sizes) {
        fed += size;
        bench.feed(">" + "x".repeat(size));
        const held = fed - settled - carry;
        if (!bench.stream.failed) assert(held <= LIMIT, `${held} bytes held`);
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});
