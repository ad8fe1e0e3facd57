import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { Durations } from "../counting/durations.ts";
import { BOUNDS_MS } from "../counting/bounds.ts";
import { Tally } from "../counting/tally.ts";
import { RequestTimes } from "./request_times.ts";

/** Durations, and how many they have seen. */
function counted() {
  const tally = new Tally();
  const durations = new Durations(tally, "memcache", "forwarded");
  const observed = () =>
    tally.counts.filter(([name]) => name.startsWith("duration|"))
      .reduce((sum, [, value]) => sum + value, 0);
  return { tally, durations, observed };
}

Deno.test("RequestTimes tells how long a request took, to the microsecond", () => {
  const { durations, observed } = counted();
  const times = new RequestTimes();
  const [early, late, back] = [1000, 1002.5, 1003]
    .map((time) => times.begin(time, durations));
  assertEquals(times.open, 3);
  assertEquals(times.end(late, 1003), 0.5);
  assertEquals(times.end(early, 1003.0004), 3);
  assertEquals(times.end(back, 1002), 0); // the clock was set back
  assertEquals([times.open, observed()], [0, 3]);
});

Deno.test("RequestTimes knows no ticket that it did not give, or that was used", () => {
  const { durations, observed } = counted();
  const times = new RequestTimes();
  const ticket = times.begin(0.5, durations);
  const others = [
    ...[ticket - 1, ticket + 1, ticket + 1024, ticket + 0.5, -ticket],
    ...[0, NaN, Infinity, undefined, "1", null, {}],
  ];
  for (const other of others) {
    assertEquals(times.end(other, 9), undefined, String(other));
  }
  assertEquals(times.end(ticket, 1.5), 1);
  assertEquals(times.end(ticket, 1.5), undefined);
  assertEquals(observed(), 1);
});

Deno.test("RequestTimes counts what is never answered, and what is too much to follow", () => {
  const { tally, durations, observed } = counted();
  const times = new RequestTimes();
  const tickets = Array.from({ length: 1030 }, (_, i) => {
    return times.begin(i, durations);
  });
  assertEquals(tickets.filter((ticket) => ticket === 0).length, 6);
  assertEquals([times.open, observed()], [1024, 6]);
  times.endAll(2000);
  assertEquals([times.open, observed()], [0, 1030]);
  const longest = `duration|memcache|forwarded|${BOUNDS_MS.length}`;
  assertEquals(new Map(tally.counts).get(longest), 6);
});

Deno.test("RequestTimes goes on in another process, whatever was begun and ended", () => {
  const steps = fc.array(fc.oneof(fc.constant("begin"), fc.nat(40)), {
    size: "medium",
  });
  fc.assert(fc.property(steps, steps, (before, after) => {
    const { durations, observed } = counted();
    let times = new RequestTimes();
    const open: { ticket: number; time: number }[] = [];
    let begun = 0;
    const run = (steps: readonly (string | number)[]) => {
      for (const step of steps) {
        if (typeof step === "string") {
          const time = ++begun;
          open.push({ ticket: times.begin(time, durations), time });
        } else if (open.length > 0) {
          const [{ ticket, time }] = open.splice(step % open.length, 1) as [
            typeof open[number],
          ];
          assertEquals(times.end(ticket, 1000), 1000 - time);
        }
        assertEquals(times.open, open.length);
      }
    };
    run(before);
    times = RequestTimes.restore(times.toMove(), () => durations);
    run(after);
    times.endAll(1000);
    assertEquals(observed(), begun);
  }));
});
