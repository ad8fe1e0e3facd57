import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { LogLine } from "./access_log.ts";
import { count, type Score, swapsOf } from "./scoreboard.ts";

const REQUEST: LogLine = {
  type: "request",
  verdict: "forwarded",
  connection: 1,
  source: { address: "127.0.0.2:40000" },
  l7proto: "memcache",
  parser: "memcache@aaaaaa",
  fields: {},
};
const END: LogLine = { ...REQUEST, type: "connection", fields: { end: "eof" } };

const NOTHING: Score = {
  requests: 0,
  forwarded: 0,
  denied: 0,
  malformed: 0,
  dropped: 0,
  versions: 1,
  swaps: 0,
  refused: 0,
  panics: 0,
  broken: 0,
};

const CASES: readonly {
  name: string;
  lines: readonly LogLine[];
  score: Partial<Score>;
}[] = [
  {
    name: "requests by verdict",
    lines: [
      REQUEST,
      { ...REQUEST, verdict: "denied" },
      { ...REQUEST, verdict: "error" },
    ],
    score: { requests: 3, forwarded: 1, denied: 1, malformed: 1 },
  },
  {
    name: "a denial that has no words",
    lines: [{
      ...REQUEST,
      verdict: "denied",
      l7proto: "c3po",
      parser: "c3po@cccccc",
    }],
    score: { requests: 1, denied: 1, dropped: 1 },
  },
  {
    name: "a refused connection once, though two lines tell of it",
    lines: [
      { ...END, verdict: "denied", fields: {} },
      { ...END, verdict: "denied" },
    ],
    score: { refused: 1 },
  },
  {
    name: "a panic once, and not among the broken connections",
    lines: [
      { ...END, verdict: "error", reason: "panic", fields: {} },
      { ...END, verdict: "error", reason: "panic" },
    ],
    score: { panics: 1 },
  },
  {
    name: "a connection that broke",
    lines: [{ ...END, verdict: "error", reason: "reset" }],
    score: { broken: 1 },
  },
  {
    name: "a swap under one connection, and that back again",
    lines: [REQUEST, { ...REQUEST, parser: "memcache@bbbbbb" }, REQUEST],
    score: { requests: 3, forwarded: 3, versions: 2, swaps: 2 },
  },
];

for (const { name, lines, score } of CASES) {
  Deno.test(`count() counts ${name}`, () => {
    assertEquals(count(lines), { ...NOTHING, ...score });
  });
}

Deno.test("swapsOf() takes each parser for itself, and the same version again for none", () => {
  const told = ["a@1", "b@1", "a@1", "a@2", "b@1", "a@1", "b@2"];
  assertEquals(swapsOf(told), 3);
  assertEquals(swapsOf([]), 0);
});
