/** Counting: each request once, under names that are bounded. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { Durations } from "./durations.ts";
import { BOUNDS_MS } from "./bounds.ts";
import { readSeries, SERIES_MAX, seriesName, Tally } from "./tally.ts";
import { Traffic } from "./traffic.ts";

function countsOf({ tally }: Traffic): Record<string, number> {
  return Object.fromEntries(tally.counts);
}

Deno.test("requests are counted by protocol, verdict, direction and the document of their rule", () => {
  const traffic = new Traffic();
  const requests = traffic.requests("memcache", "ingress");
  for (
    const [verdict, rule] of [
      ["forwarded", "default/allow#spec.ingress[0]"],
      ["forwarded", "default/allow#spec.ingress[1]"],
      ["denied", "default/allow#spec.ingress[1]"],
      ["denied", undefined],
      ["forwarded", "default/allow#spec.ingress[0]"],
    ] as const
  ) requests.of(verdict, rule).requests.value++;
  traffic.requests("memcache", "ingress").of("denied", undefined)
    .requests.value++;
  assertEquals(countsOf(traffic), {
    "requests|memcache|forwarded|ingress|default/allow": 3,
    "requests|memcache|denied|ingress|default/allow": 1,
    "requests|memcache|denied|ingress|": 2,
  });
});

Deno.test("further policies, further protocols and what is no name share a series", () => {
  const traffic = new Traffic();
  const requests = traffic.requests("p", "egress");
  for (let i = 0; i < 10_000; i++) {
    requests.of("forwarded", `policy-${i}#spec`).requests.value++;
  }
  requests.of("forwarded", 'a"b\n|#spec').requests.value++;
  for (let i = 0; i < 1000; i++) {
    traffic.requests(`q${i}`, "egress").of("denied", undefined)
      .requests.value++;
  }
  const counts = countsOf(traffic);
  assertEquals(counts["requests|p|forwarded|egress|other"], 10_000 - 99);
  assert(Object.keys(counts).length < 200);
  assertEquals(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    11_001,
  );
  assert(Object.keys(counts).every(readSeries));
});

Deno.test("reasons of a connection's end that are a parser's own share a series", () => {
  const traffic = new Traffic();
  const connections = traffic.connections("ingress");
  connections.refused("denied", "no-rule");
  connections.refused("failed", "panic");
  connections.refused("failed", "whatever a parser says");
  connections.ended("closed");
  assertEquals(countsOf(traffic), {
    "denied|ingress|no-rule": 1,
    "failed|ingress|panic": 1,
    "failed|ingress|other": 1,
    "ended|ingress|closed": 1,
  });
});

Deno.test("a duration stands in the first bucket whose bound it does not pass", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 20_000, noNaN: true })),
      (all) => {
        const tally = new Tally();
        const durations = new Durations(tally, "p", "forwarded");
        for (const one of all) durations.observe(one);
        const counts = new Map(tally.counts);
        const found = [...BOUNDS_MS, Infinity].map((_, i) =>
          counts.get(`duration|p|forwarded|${i}`) ?? 0
        );
        const want = [...BOUNDS_MS, Infinity].map((bound, i) =>
          all.filter((one) =>
            one <= bound && (i === 0 || one > BOUNDS_MS[i - 1]!)
          )
            .length
        );
        assertEquals(found, want);
      },
    ),
  );
});

Deno.test("Tally keeps no more names apart than it may, and loses no count", () => {
  const tally = new Tally(2);
  tally.add([["requests|a|denied|ingress|p", 2], ["opened|egress", 1]]);
  assertEquals(tally.isFull, false);
  tally.add([
    ["requests|a|denied|ingress|p", 3],
    ["requests|a|denied|ingress|q", 1],
    ["requests|b|denied|ingress|q", 1],
    ["requests|b|denied|egress|q", 1],
    ["ended|ingress|closed", 1],
    ["duration|b|denied|16", 1],
  ]);
  assertEquals(tally.isFull, true);
  assertEquals(tally.counts, [
    ["requests|a|denied|ingress|p", 5],
    ["opened|egress", 1],
    ["requests|other|denied|ingress|other", 2],
    ["requests|other|denied|egress|other", 1],
    ["ended|ingress|closed", 1],
    ["duration|other|denied|16", 1],
  ]);
});

Deno.test("a process has few more series than it keeps apart, whatever passes", () => {
  const traffic = new Traffic();
  for (let i = 0; i < 200; i++) {
    for (const direction of ["ingress", "egress"] as const) {
      for (const verdict of ["forwarded", "denied", "audit", "error"]) {
        for (let j = 0; j < 10; j++) {
          traffic.requests(`proto${i}`, direction)
            .of(verdict, `policy${i + j}#spec`).requests.value++;
        }
      }
    }
  }
  const counts = countsOf(traffic);
  assertEquals(Object.keys(counts).length < SERIES_MAX + 100, true);
  assertEquals(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    200 * 2 * 4 * 10,
  );
  assert(Object.keys(counts).every(readSeries));
});

Deno.test("readSeries() reads what seriesName() writes, and nothing else", () => {
  const name = seriesName("ended", ["ingress", "closed"]);
  assertEquals(readSeries(name), {
    kind: "ended",
    labels: ["ingress", "closed"],
  });
  const others = [
    ...["", "ended", "ended|ingress", `${name}|more`, "toString|a", "no|a|b"],
    ...["opened|sideways", "duration|p|denied|17", "denied|ingress|my-reason"],
    ...["requests|p|maybe|ingress|", "bytes|ingress|up", "ended|ingress|over"],
    ...["ended|ingress|a b", 'ended|ingress|"', `opened|${"x".repeat(321)}`],
  ];
  for (const other of others) assertEquals(readSeries(other), undefined, other);
  fc.assert(fc.property(fc.string(), (text) => {
    readSeries(text); // throws nothing
  }));
});
