/**
 * Connections that stay open and pipeline requests without a pause, while
 * something else is done.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { NEW_WORDS, OLD_WORDS } from "./edits.ts";
import type { Workload } from "./files.ts";
import { KEY, SEED, VALUE, type World } from "./world.ts";

/** What was observed on all connections together. */
export interface Tally {
  readonly connections: number;
  readonly replies: number;
  /** Denials by wording. */
  readonly oldWords: number;
  readonly newWords: number;
  /** Replies that are not those of their requests. */
  readonly wrong: number;
  /** Connections that the other side closed. */
  readonly closed: number;
}

/** Traffic that runs until it is stopped. */
export interface Traffic {
  /** How much of it there is. */
  readonly description: string;
  /** Requests answered so far, by the connection that has the fewest. */
  least(): number;
  stop(): Promise<Tally>;
  [Symbol.asyncDispose](): Promise<void>;
}

const PER_WORKLOAD = 3;
/** Requests that are sent before the first reply is read. */
const DEPTH = 8;

const DENIED: readonly string[] = [OLD_WORDS, NEW_WORDS].map((words) =>
  `${words}\r\n`
);

/** What each workload's `get` and `set` may be answered. */
const EXPECTED: Readonly<Record<Workload, readonly string[][]>> = {
  monitoring: [[VALUE], [...DENIED]],
  maintenance: [[VALUE], ["STORED\r\n"]],
};

/** Opens connections of both workloads and begins. */
export async function startTraffic(world: World): Promise<Traffic> {
  const lines: Line[] = [];
  for (let i = 0; i < PER_WORKLOAD; i++) {
    for (const workload of ["monitoring", "maintenance"] as const) {
      lines.push(new Line(await world.connect(workload), workload));
    }
  }
  let running = true;
  const runs = lines.map((line) => line.run(() => running));
  const stop = async () => {
    running = false;
    await Promise.all(runs);
    return tally(lines);
  };
  return {
    description:
      `${lines.length} open connections, ${DEPTH} requests in flight on each`,
    least: () => Math.min(...lines.map(({ client }) => client.answered)),
    stop,
    [Symbol.asyncDispose]: async () => void await stop(),
  };
}

/** One connection and what it saw. */
class Line {
  readonly seen = new Map<string, number>();
  wrong = 0;

  constructor(readonly client: Client, readonly workload: Workload) {}

  /** Never rejects: a connection that breaks is seen in the tally. */
  async run(goesOn: () => boolean): Promise<void> {
    const burst = `get ${KEY}\r\n${SEED}`.repeat(DEPTH / 2);
    const expected = EXPECTED[this.workload];
    try {
      while (goesOn()) {
        this.client.send(burst);
        const replies = await this.client.receive(DEPTH);
        for (const [index, reply] of replies.entries()) {
          this.seen.set(reply, (this.seen.get(reply) ?? 0) + 1);
          if (!expected[index % 2]!.includes(reply)) this.wrong++;
        }
      }
    } catch {
      this.wrong++;
    }
  }
}

function tally(lines: readonly Line[]): Tally {
  const sum = (count: (line: Line) => number) =>
    lines.reduce((total, line) => total + count(line), 0);
  const seen = (words: string) => sum((line) => line.seen.get(words) ?? 0);
  return {
    connections: lines.length,
    replies: sum(({ client }) => client.answered),
    oldWords: seen(DENIED[0]!),
    newWords: seen(DENIED[1]!),
    wrong: sum((line) => line.wrong),
    closed: sum(({ client }) => client.wasClosed ? 1 : 0),
  };
}
