import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { RequestTimes } from "./request_times.ts";

Deno.test("RequestTimes tells how long ago a ticket was given, to the microsecond", () => {
  const times = new RequestTimes();
  const early = times.ticket(1000);
  const late = times.ticket(1002.5);
  assertEquals(times.ticket(1002.5), late);
  assertEquals(times.since(early, 1003.0004), 3);
  assertEquals(times.since(late, 1003), 0.5);
  assertEquals(times.since(late, 1002), 0); // the clock was set back
});

Deno.test("RequestTimes knows no ticket that it did not give, or gave long ago", () => {
  const times = new RequestTimes();
  const first = times.ticket(0.5);
  const tickets = [
    ...[first - 1, first + 1, first - 1024, first + 0.5],
    ...[0, -1, NaN, Infinity, undefined, "1", null],
  ];
  for (const ticket of tickets) {
    assertEquals(times.since(ticket, 9), undefined, String(ticket));
  }
  for (let i = 1; i < 1024; i++) times.ticket(i);
  assertEquals(times.since(first, 1.5), 1);
  times.ticket(1024);
  assertEquals(times.since(first, 1.5), undefined);
});
