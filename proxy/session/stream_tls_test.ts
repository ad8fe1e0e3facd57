/** Clients that speak TLS are refused before a parser reads them. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { nop, pass } from "parley/proxylib";
import { Bench } from "./stream_harness_test.ts";

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
