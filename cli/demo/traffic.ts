/**
 * Connections that stay open and pipeline requests, burst upon burst, while
 * something else is done.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { NEW_WORDS, OLD_WORDS } from "./edits.ts";
import type { Workload } from "./files.ts";
import { until } from "./until.ts";
import { KEY, SEED, VALUE, type World } from "./world.ts";

/** What was observed on all connections together. */
export interface Tally {
  readonly connections: number;
  readonly replies: number;
  /** Connections whose every second request is denied. */
  readonly denied: number;
  /** Of these, the ones that were denied in the old words first, and in the new ones later. */
  readonly moved: number;
  /** Replies that are not those of their requests, or in the old words after the new. */
  readonly wrong: number;
  /** Connections that the other side closed. */
  readonly closed: number;
}

/** Traffic that runs until it is stopped. */
export interface Traffic {
  /** How much of it there is. */
  readonly description: string;
  /** Waits until every connection has had some more answers. @throws {Error} when they do not come */
  enough(): Promise<void>;
  /** Ends it; what was observed, also kept in `World.tallies`. */
  stop(): Promise<Tally>;
  [Symbol.asyncDispose](): Promise<void>;
}

const PER_WORKLOAD = 3;
/** Between two bursts: others need the processor as well. */
const PAUSE_MS = 10;
/** Answers on each connection that show that it goes on. */
const ENOUGH = 50;
/** Requests that are sent before the first reply is read. */
const DEPTH = 8;

const OLD = `${OLD_WORDS}\r\n`;
const NEW = `${NEW_WORDS}\r\n`;

/** What each workload's `get` and `set` may be answered. */
const EXPECTED: Readonly<Record<Workload, readonly string[][]>> = {
  monitoring: [[VALUE], [OLD, NEW]],
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
  const least = () => Math.min(...lines.map(({ client }) => client.answered));
  let stopped: Promise<Tally> | undefined;
  const stop = () => {
    running = false;
    return stopped ??= Promise.all(runs).then(() => {
      const seen = tally(lines);
      world.tallies.push(seen);
      return seen;
    });
  };
  return {
    description:
      `${lines.length} open connections, ${DEPTH} requests in flight on each`,
    async enough() {
      const wanted = least() + ENOUGH;
      await until(
        "traffic on every connection",
        () => least() >= wanted ? true : undefined,
      );
    },
    stop,
    [Symbol.asyncDispose]: async () => void await stop(),
  };
}

/** One connection and what it saw. */
class Line {
  readonly #seen = new Set<string>();
  wrong = 0;

  constructor(readonly client: Client, readonly workload: Workload) {}

  get hasMoved(): boolean {
    return this.#seen.has(OLD) && this.#seen.has(NEW);
  }

  /** Never rejects: a connection that breaks is seen in the tally. */
  async run(goesOn: () => boolean): Promise<void> {
    const burst = `get ${KEY}\r\n${SEED}`.repeat(DEPTH / 2);
    const expected = EXPECTED[this.workload];
    try {
      while (goesOn()) {
        this.client.send(burst);
        const replies = await this.client.receive(DEPTH);
        for (const [index, reply] of replies.entries()) {
          const isOutdated = reply === OLD && this.#seen.has(NEW);
          const isRight = expected[index % 2]!.includes(reply) && !isOutdated;
          if (!isRight) this.wrong++;
          this.#seen.add(reply);
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch {
      this.wrong++;
    }
  }
}

function tally(lines: readonly Line[]): Tally {
  const sum = (count: (line: Line) => number) =>
    lines.reduce((total, line) => total + count(line), 0);
  return {
    connections: lines.length,
    replies: sum(({ client }) => client.answered),
    denied: sum(({ workload }) => workload === "monitoring" ? 1 : 0),
    moved: sum((line) => line.hasMoved ? 1 : 0),
    wrong: sum((line) => line.wrong),
    closed: sum(({ client }) => client.wasClosed ? 1 : 0),
  };
}
