/**
 * The access log as it is written, for those who follow it. Workers copy lines
 * to pipes of their own for that, and only while somebody follows; what is not
 * read in time they drop, and say how much.
 *
 * @module
 */
import {
  type FollowerGroup,
  Followers,
  type LogFollower,
} from "../accesslog/followers.ts";
import { facetsOf, type LineFilter } from "../accesslog/line_filter.ts";
import type { Readiness } from "../linux/readiness.ts";
import { LinePipes } from "./line_pipe.ts";
import type { WorkerProcess } from "./worker_process.ts";

/** What is read of a pipe at once, and how long nothing more is: reading must not take the processor from the workers. */
const READ_BYTES = 64 * 1024;
const PAUSE_MS = 10;
/** The same while nobody takes anything: then lines are better lost where they come from. */
const FULL_PAUSE_MS = 100;

/** Follows all workers. */
export class FollowedLog {
  readonly #live: () => Iterable<WorkerProcess>;
  readonly #followers = new Followers(
    (group) => this.#begin(group),
    (group) => this.#end(group),
  );
  readonly #pipes: LinePipes;
  /** When all workers copy for a group. */
  readonly #begun = new Map<number, Promise<unknown>>();

  constructor(readiness: Readiness, live: () => Iterable<WorkerProcess>) {
    this.#pipes = new LinePipes(readiness);
    this.#live = live;
  }

  /** Resolves when every worker copies what is wanted. @throws {TooManyFilters} */
  async follow(filter: LineFilter): Promise<LogFollower> {
    const follower = this.#followers.add(filter);
    try {
      await Promise.all(this.#begun.values());
      return follower;
    } catch (error) {
      follower[Symbol.dispose]();
      throw error;
    }
  }

  /** Has a new worker copy what is wanted. */
  async equip(worker: WorkerProcess): Promise<void> {
    for (const group of this.#followers.groups) await this.#lend(worker, group);
  }

  #begin(group: FollowerGroup): void {
    const begun = Promise.all([...this.#live()].map(async (worker) => {
      if (!worker.isEquipped) return; // it is told when it is
      await this.#lend(worker, group);
      await worker.sync();
    }));
    begun.catch(() => {}); // told to those who wait
    this.#begun.set(group.number, begun);
  }

  #end({ number: group }: FollowerGroup): void {
    this.#begun.delete(group);
    for (const worker of this.#live()) {
      void worker.send({ type: "end-copy", group });
    }
  }

  async #lend(worker: WorkerProcess, group: FollowerGroup): Promise<void> {
    const { number, filter } = group;
    const reader = {
      bytes: READ_BYTES,
      take: (lines: Uint8Array) => this.#take(group, lines),
      torn() {},
    };
    await this.#pipes.lend(reader, async (descriptor) => {
      await worker.send(
        { type: "copy-log", group: number, filter },
        descriptor,
      );
    });
  }

  /** Parser code may have got hold of a worker: what is no line is left out. */
  async #take(group: FollowerGroup, bytes: Uint8Array): Promise<void> {
    const lines: string[] = [];
    for (const line of new TextDecoder().decode(bytes).split("\n")) {
      const [, dropped] = DROPPED.exec(line) ?? [];
      if (dropped !== undefined) {
        group.take(lines.splice(0));
        group.lose(Number(dropped));
      } else if (facetsOf(line) && !line.includes("\r")) lines.push(line);
    }
    group.take(lines);
    const pause = group.isFull ? FULL_PAUSE_MS : PAUSE_MS;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }

  /** Once the workers are gone. */
  async close(): Promise<void> {
    this.#followers.close();
    await Promise.allSettled(this.#begun.values());
    await this.#pipes.close();
  }
}

/** A worker's word for lines that it could not copy. */
const DROPPED =
  /^\{"time":"[^"]*","type":"accesslog".*"fields":\{"dropped":(\d{1,9})\}\}$/;
