/** When a call counts as a hang: by what is seen of it, and never on a machine that gives it no time. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Beat } from "../heartbeat.ts";
import { Patience } from "./watchdog.ts";

const STALL = 1000;
const EVERY = 250;

/** What is seen at each look. */
interface Look {
  /** Milliseconds since the look before; 250 unless said. */
  readonly after?: number;
  readonly calls: number;
  /** Processor time used since the look before. */
  readonly cpu?: number;
}

/** The look at which the process is taken for stuck, and for how long it stood then; nothing: never. */
function judged(
  looks: readonly Look[],
): [look: number, ms: number] | undefined {
  const patience = new Patience();
  let now = 50_000;
  let used = 700;
  for (const [i, { after = EVERY, calls, cpu = 0 }] of looks.entries()) {
    now += after;
    used += cpu;
    const beat: Beat = {
      calls,
      isInside: (calls & 1) !== 0,
      version: 3,
      connection: 4_000_000_001,
    };
    const stall = patience.judge(beat, now, STALL, () => used);
    if (!stall) continue;
    assertEquals([stall.version, stall.connection], [3, 4_000_000_001]);
    return [i, stall.standing];
  }
  return undefined;
}

function times<T>(count: number, look: T): T[] {
  return Array.from({ length: count }, () => look);
}

const ROWS: readonly {
  readonly name: string;
  readonly looks: readonly Look[];
  readonly stuck?: readonly [look: number, ms: number];
}[] = [
  {
    name: "a process that waits is never stuck",
    looks: times(100, { calls: 8, cpu: 250 }),
  },
  {
    name: "one that was never called is never stuck",
    looks: times(100, { calls: 0, cpu: 250 }),
  },
  {
    name: "many short calls are no long one",
    looks: Array.from({ length: 100 }, (_, i) => ({
      calls: 2 * i + 1,
      cpu: 250,
    })),
  },
  {
    name: "a call that stands and works is stuck after the limit",
    looks: times(6, { calls: 7, cpu: 250 }),
    stuck: [4, 1000],
  },
  {
    name: "a call that ends just in time is not",
    looks: [...times(4, { calls: 7, cpu: 250 }), ...times(9, { calls: 8 })],
  },
  {
    name: "the count may begin anew: calls are told apart, not ordered",
    looks: [{ calls: -1, cpu: 250 }, ...times(5, { calls: 1, cpu: 250 })],
    stuck: [5, 1000],
  },
  {
    name: "one that is given no processor time is only slow",
    looks: times(19, { calls: 7, cpu: 2 }),
  },
  {
    name: "but not for ever",
    looks: times(30, { calls: 7 }),
    stuck: [20, 5000],
  },
  {
    name: "half of the processor is enough to be busy",
    looks: times(30, { calls: 7, cpu: 125 }),
    stuck: [4, 1000],
  },
  {
    name: "when nobody looked for long, all may have stood still",
    looks: [{ calls: 7, cpu: 250 }, { calls: 7, after: 60_000, cpu: 600 }],
  },
];

for (const { name, looks, stuck } of ROWS) {
  Deno.test(`Patience: ${name}`, () => {
    assertEquals(judged(looks), stuck);
  });
}
