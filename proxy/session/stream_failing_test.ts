/** What a stream takes for a failure: garbage of parsers, what they throw, requests that are refused. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  bytes,
  error,
  errorInTurn,
  nop,
  type Parser,
  pass,
  type Verdict,
} from "parley/proxylib";
import { Stream } from "./stream.ts";
import { Bench } from "./stream_harness_test.ts";

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
