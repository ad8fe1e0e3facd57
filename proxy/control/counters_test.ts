/** Counters from a worker that parser code may have got hold of. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { SERIES_MAX } from "../counting/tally.ts";
import { readCounters } from "./counters.ts";

const COUNTERS = {
  connections: 1,
  accepted: 2,
  linesDropped: 0,
  versions: [{ name: "a", version: "b", connections: 1, panics: 0 }],
  served: [1, 2],
  traffic: [
    ["requests|memcache|forwarded|ingress|default/allow", 3],
    ["durationSum|memcache|forwarded", 1.5],
  ],
  lag: 0.25,
};
const [VERSION] = COUNTERS.versions;

Deno.test("readCounters() takes counters as they are, and nothing beside them", () => {
  assertEquals(readCounters({ ...COUNTERS, more: 1 }), COUNTERS);
});

const WRONG: readonly unknown[] = [
  undefined,
  null,
  {},
  { ...COUNTERS, connections: -1 },
  { ...COUNTERS, accepted: "1" },
  { ...COUNTERS, linesDropped: 1e300 },
  { ...COUNTERS, versions: { length: 1 } },
  { ...COUNTERS, versions: [null] },
  { ...COUNTERS, versions: [{ ...VERSION, name: 1 }] },
  { ...COUNTERS, versions: [{ ...VERSION, version: "x".repeat(257) }] },
  { ...COUNTERS, versions: [{ ...VERSION, name: "a\n" }] },
  { ...COUNTERS, traffic: [["ended|ingress|invented", 1]] },
  { ...COUNTERS, versions: [{ ...VERSION, panics: 0.5 }] },
  { ...COUNTERS, versions: Array(10_001).fill(VERSION) },
  { ...COUNTERS, served: undefined },
  { ...COUNTERS, served: ["1"] },
  { ...COUNTERS, served: Array(10_001).fill(1) },
  { ...COUNTERS, traffic: undefined },
  { ...COUNTERS, traffic: [null] },
  { ...COUNTERS, traffic: [["requests|memcache|forwarded|ingress", 1]] },
  { ...COUNTERS, traffic: [["opened|in\ngress", 1]] },
  { ...COUNTERS, traffic: [['opened|"}', 1]] },
  { ...COUNTERS, traffic: [["toString", 1]] },
  { ...COUNTERS, traffic: [["opened|ingress", -1]] },
  { ...COUNTERS, traffic: [["opened|ingress", "1"]] },
  { ...COUNTERS, traffic: Array(20_001).fill(["opened|ingress", 1]) },
  { ...COUNTERS, lag: null },
  { ...COUNTERS, lag: 1e300 },
];

Deno.test("readCounters() counts series beyond those of a worker together, and says so", () => {
  const traffic = Array.from({ length: 20_000 }, (_, i) => {
    return [`requests|p|forwarded|ingress|invented-${i}`, 1];
  });
  let told = 0;
  const counters = readCounters({ ...COUNTERS, traffic }, () => told++);
  assertEquals(counters.traffic.length, SERIES_MAX + 1);
  assertEquals(counters.traffic.at(-1), [
    "requests|other|forwarded|ingress|other",
    20_000 - SERIES_MAX,
  ]);
  assertEquals(told, 1);
  readCounters({ ...COUNTERS, traffic: counters.traffic }, () => told++);
  assertEquals(told, 1, "a worker that bounds them itself is none that lies");
});

for (const [index, value] of WRONG.entries()) {
  Deno.test(`readCounters() refuses what is none (${index + 1})`, () => {
    assertThrows(() => readCounters(value), TypeError);
  });
}

Deno.test("readCounters() takes or refuses any JSON, and throws nothing else", () => {
  const member = fc.json().map((text) => JSON.parse(text));
  fc.assert(fc.property(
    fc.oneof(
      member,
      fc.record({
        connections: fc.oneof(fc.nat(), member),
        accepted: fc.nat(),
        linesDropped: fc.nat(),
        versions: fc.array(fc.oneof(fc.constant(VERSION), member)),
        served: fc.oneof(fc.array(fc.nat()), member),
        traffic: fc.array(
          fc.oneof(fc.constantFrom(...COUNTERS.traffic), member),
        ),
        lag: fc.oneof(fc.nat(), member),
      }),
    ),
    (value) => {
      try {
        readCounters(value);
      } catch (error) {
        assert(error instanceof TypeError);
      }
    },
  ));
});
