/** Directions that wait for each other, and how much is held meanwhile. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { drop, more, nop, pass } from "parley/proxylib";
import { Bench, inTurn, type Script } from "./stream_harness_test.ts";

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
