import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Counters } from "../control/messages.ts";
import { Totals } from "./totals.ts";

const counters = (requests: number, panics = 0): Counters => {
  return {
    connections: 1,
    accepted: 1,
    linesDropped: requests,
    versions: [{ name: "p", version: "a", connections: 1, panics }],
    served: [],
    traffic: [["opened|ingress", requests]],
    lag: 0,
  };
};

Deno.test("Totals are the same before and after a worker is buried, but for what it held open", () => {
  const live = [{ counters: counters(3, 2) }, { counters: counters(4) }];
  const totals = new Totals(() => live);
  const traffic = [["opened|ingress", 7]];
  assertEquals(totals.traffic(), traffic);
  assertEquals(totals.linesDropped(), 7);
  totals.bury(live.shift()!.counters);
  assertEquals(totals.traffic(), traffic);
  assertEquals(totals.linesDropped(), 7);
  assertEquals(totals.versions(), [
    { name: "p", version: "a", connections: 1, panics: 2 },
  ]);
  totals.bury(live.shift()!.counters);
  assertEquals(totals.traffic(), traffic);
  assertEquals(totals.versions(), [
    { name: "p", version: "a", connections: 0, panics: 2 },
  ]);
});

Deno.test("Totals: however many series gone workers invent, no count is lost, and honest ones go on", () => {
  const totals = new Totals(() => [{ counters: counters(1) }]);
  totals.bury({
    ...counters(0),
    traffic: [["requests|p|denied|ingress|a", 1]],
  });
  for (let worker = 0; worker < 10; worker++) {
    totals.bury({
      ...counters(0),
      traffic: Array.from({ length: 2000 }, (_, i) => {
        return [`requests|p|denied|ingress|${worker}-${i}`, 1] as const;
      }),
    });
  }
  totals.bury({
    ...counters(0),
    traffic: [["requests|p|denied|ingress|a", 1]],
  });
  const traffic = totals.traffic();
  assertEquals(traffic.length < 5000, true);
  assertEquals(traffic[0], ["requests|p|denied|ingress|a", 2]);
  assertEquals(traffic.at(-1), ["opened|ingress", 1]);
  assertEquals(traffic.reduce((sum, [, count]) => sum + count, 0), 20_003);
});

Deno.test("Totals: however many versions gone workers name, those that were known first go on being counted", () => {
  const totals = new Totals(() => []);
  totals.bury(counters(0, 1));
  const [known] = counters(0, 1).versions;
  for (let worker = 0; worker < 5; worker++) {
    const versions = Array.from({ length: 10_000 }, (_, i) => {
      return { ...known!, version: `${worker}-${i}` };
    });
    totals.bury({ ...counters(0), versions });
  }
  totals.bury(counters(0, 1));
  const versions = totals.versions();
  assertEquals(versions.length, 1000);
  assertEquals(versions[0], { ...known!, connections: 0, panics: 2 });
});
