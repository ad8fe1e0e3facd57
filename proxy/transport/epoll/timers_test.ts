/** The timer wheel against a plain list of deadlines, on a clock of the tests' own. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { type Timed, TimerWheel } from "./timers.ts";

/** What the module promises: a deadline is noticed this much late at most. */
const TICK_MS = 20;
/** A turn of the wheel, and more: deadlines beyond it are looked at on the way. */
const TURN_MS = 512 * TICK_MS;

/** A timer that knows when it expired. */
class Alarm implements Timed {
  slot: Timed["slot"];
  readonly expired: number[] = [];
  constructor(
    public deadline: number,
    readonly act: (now: number, alarm: Alarm) => void = () => {},
  ) {}

  expire(now: number): void {
    this.expired.push(now);
    this.act(now, this);
  }
}

Deno.test("a wheel without timers waits for ever", () => {
  const wheel = new TimerWheel(1000);
  assertEquals(wheel.wait(1000), -1);
  wheel.advance(1e9);
  assertEquals(wheel.wait(1e9), -1);
});

for (
  const delay of [
    ...[0, 0.25, 1, 19, 20, 20.001, 21, 40],
    ...[TURN_MS - 20, TURN_MS - 1, TURN_MS, TURN_MS + 1, TURN_MS + 20],
    ...[10 * TURN_MS + 7, 3_600_000],
  ]
) {
  Deno.test(`a deadline in ${delay} ms is met: not before, and a tick late at most`, () => {
    const start = 12_345.678;
    const wheel = new TimerWheel(start);
    const alarm = new Alarm(start + delay);
    wheel.add(alarm);
    const wakes = runUntil(wheel, start, () => alarm.expired.length > 0);
    const [at] = alarm.expired;
    assert(at! >= alarm.deadline, `${alarm.deadline - at!} ms early`);
    const late = at! - alarm.deadline;
    assert(late <= TICK_MS + 1, `${late} ms late`); // 1: epoll waits whole milliseconds
    assert(wakes <= 3 + delay / TURN_MS * 2, `woken ${wakes} times`);
    assertEquals(alarm.slot, undefined);
    assertEquals(wheel.wait(at!), -1);
  });
}

Deno.test("a timer that was removed does not expire", () => {
  const wheel = new TimerWheel(0);
  const alarm = new Alarm(100);
  wheel.add(alarm);
  wheel.remove(alarm);
  wheel.remove(alarm);
  wheel.advance(1000);
  assertEquals(alarm.expired, []);
  assertEquals(wheel.wait(1000), -1);
});

Deno.test("a timer that is removed by one that expires with it does not expire", () => {
  const wheel = new TimerWheel(0);
  const alarms: Alarm[] = [];
  for (let i = 0; i < 2; i++) {
    const alarm = new Alarm(100, () => wheel.remove(alarms[1 - i]!));
    alarms.push(alarm);
    wheel.add(alarm);
  }
  wheel.advance(200);
  assertEquals(alarms.flatMap(({ expired }) => expired), [200]);
});

Deno.test("a later deadline needs no call; a nearer one is added again", () => {
  const wheel = new TimerWheel(0);
  const later = new Alarm(100);
  const nearer = new Alarm(5000);
  wheel.add(later);
  wheel.add(nearer);
  later.deadline = 5000;
  nearer.deadline = 100;
  wheel.add(nearer);
  wheel.advance(200);
  assertEquals([later.expired, nearer.expired], [[], [200]]);
  wheel.advance(5000);
  assertEquals([later.expired, nearer.expired], [[5000], [200]]);
});

Deno.test("timers that are set by one that expires have their time, also after a pause of many turns", () => {
  const wheel = new TimerWheel(0);
  const set: Alarm[] = [];
  wheel.add(
    new Alarm(10, (now) => {
      for (const delay of [1, 500, TURN_MS, 2 * TURN_MS]) {
        const alarm = new Alarm(now + delay);
        set.push(alarm);
        wheel.add(alarm);
      }
    }),
  );
  const paused = 7 * TURN_MS + 13;
  wheel.advance(paused);
  assertEquals(set.length, 4);
  runUntil(wheel, paused, () => set.every(({ expired }) => expired.length > 0));
  for (const { deadline, expired } of set) {
    assertEquals(expired.length, 1);
    assert(expired[0]! >= deadline && expired[0]! <= deadline + TICK_MS + 1);
  }
});

/** Waits as the loop does, until it is over; how often it woke. */
function runUntil(
  wheel: TimerWheel,
  start: number,
  isOver: () => boolean,
): number {
  let now = start;
  let wakes = 0;
  for (; !isOver(); wakes++) {
    const wait = wheel.wait(now);
    assert(wait >= 0, "it would never wake");
    assert(wakes < 10_000, "it wakes all the time");
    now += wait;
    wheel.advance(now);
  }
  return wakes;
}

const delay = fc.oneof(
  fc.nat(3 * TICK_MS),
  fc.double({ min: 0, max: 2000, noNaN: true }),
  fc.integer({ min: TURN_MS - 50, max: TURN_MS + 50 }),
  fc.nat(5 * TURN_MS),
);
const which = fc.nat(30);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ add: delay, again: fc.option(delay) }) },
  { weight: 2, arbitrary: fc.record({ later: which, by: delay }) },
  { weight: 2, arbitrary: fc.record({ nearer: which, by: delay }) },
  { weight: 1, arbitrary: fc.record({ remove: which }) },
  // The clock goes on, by little, or by a jump as after a suspended process.
  { weight: 4, arbitrary: fc.record({ pass: delay }) },
  // As the loop does: sleep as long as it is told.
  { weight: 4, arbitrary: fc.record({ sleep: fc.constant(true) }) },
);

Deno.test("whatever is added, moved and removed while the clock jumps: never early, a tick late at most, never asleep over a deadline", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.array(step, { maxLength: 80, size: "max" }),
      (start, steps) => play(start, steps),
    ),
    { numRuns: 300 },
  );
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function play(start: number, steps: readonly Step[]): void {
  const wheel = new TimerWheel(start);
  const waiting = new Set<Alarm>();
  const all: Alarm[] = [];
  let now = start;

  const add = (delay: number, again: number | null) => {
    const alarm = new Alarm(now + delay, (at, alarm) => {
      assert(waiting.delete(alarm), "expired, and it was in no wheel");
      assert(at >= alarm.deadline, `${alarm.deadline - at} ms early`);
      assertEquals(at, now);
      // Like the beat of the counters: at once added again, once.
      if (again === null || alarm.expired.length > 1) return;
      alarm.deadline = at + again;
      wheel.add(alarm);
      waiting.add(alarm);
    });
    all.push(alarm);
    waiting.add(alarm);
    wheel.add(alarm);
  };
  const advance = (to: number) => {
    now = to;
    wheel.advance(now);
    for (const { deadline } of waiting) {
      // What was added again just now may be due already; it has a tick.
      const late = now - deadline;
      assert(late <= TICK_MS, `${late} ms late and not expired`);
    }
  };

  for (const step of steps) {
    if ("add" in step) add(step.add, step.again);
    else if ("pass" in step) advance(now + step.pass);
    else if ("sleep" in step) {
      const wait = wheel.wait(now);
      if (wait < 0) {
        assertEquals(waiting.size, 0, "asleep for ever");
        continue;
      }
      for (const { deadline } of waiting) {
        const late = now + wait - deadline;
        assert(late <= TICK_MS + 1, `asleep ${late} ms over a deadline`);
      }
      advance(now + wait);
      // It may wake for nothing, but not again and again without a pause.
      assert(wheel.wait(now) !== 0, "it would spin");
    } else {
      const alarm = all[
        ("remove" in step
          ? step.remove
          : "later" in step
          ? step.later
          : step.nearer) % Math.max(1, all.length)
      ];
      if (!alarm || !waiting.has(alarm)) {
        continue;
      }
      if ("remove" in step) {
        wheel.remove(alarm);
        waiting.delete(alarm);
      } else if ("later" in step) alarm.deadline += step.by;
      else {
        alarm.deadline = Math.max(now, alarm.deadline - step.by);
        wheel.add(alarm);
      }
    }
  }
}
