import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Sample } from "./measure.ts";
import type { ProxyName } from "./proxies.ts";
import { judge, median } from "./ratios.ts";

/** With the figures that ratios are made of. */
function sample(
  round: number,
  proxy: ProxyName,
  cpuPerRequest: number,
  p50 = 0,
): Sample {
  return {
    ...{ round, proxy, scenario: "sixteen", cpuPerRequest, p50 },
    ...{ p90: 0, p99: 0, p999: 0, p9999: 0, max: 0, perSecond: 0, seconds: 1 },
    ...{ requests: 0, requestsInAll: 0, errors: 0, cpuNs: 0 },
    ...{ cpuShare: 0, lostLines: 0 },
  };
}

function valuesOf(samples: readonly Sample[], title: string) {
  const all = judge({ samples, memory: [], starts: [] });
  return all.find((one) => one.title === title)?.values;
}

Deno.test("median() is the middle, or between the two in the middle", () => {
  assertEquals(median([]), undefined);
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([10, 1, 2, 3]), 2.5);
});

Deno.test("a ratio is made within a round; a round that lacks a side has none", () => {
  const samples = [
    ...[sample(0, "passer", 12), sample(0, "floor", 10)],
    ...[sample(1, "passer", 30), sample(1, "floor", 20)],
    sample(2, "passer", 99),
  ];
  assertEquals(
    valuesOf(samples, "CPU per request, passer : floor, 16 connections"),
    [1.2, 1.5],
  );
});

Deno.test("added latency is above that without a proxy, and nothing where a proxy is quicker than none", () => {
  const round = (round: number, direct: number, own: number, other: number) => [
    sample(round, "direct", 0, direct),
    sample(round, "memcache", 0, own),
    sample(round, "haproxy", 0, other),
  ];
  assertEquals(
    valuesOf(
      [...round(0, 100, 160, 140), ...round(1, 100, 160, 90)],
      "added latency p50, memcache : haproxy, 16 connections",
    ),
    [1.5],
  );
});
