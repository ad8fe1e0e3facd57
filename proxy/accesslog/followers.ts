/**
 * Those who follow the access log as it is written. Each has a queue with a
 * bound: who is slow loses lines, is told how many, and holds up nobody.
 *
 * Those who want the same lines are a group, which gets its lines once.
 *
 * @module
 */
import type { LineFilter } from "./line_filter.ts";

/** Characters that may wait for one of them; lines are shared by the group. */
const WAITING_MAX = 256 * 1024;
/** With so many it is full: what comes at once is mostly more than the rest. */
const FULL = 192 * 1024;
/** Groups at a time: whoever writes lines writes them for each. */
const GROUPS_MAX = 32;

/** What has come. */
export interface LineBatch {
  /** Lines that were lost before these. */
  readonly dropped: number;
  /** Without their line feeds; the same array for the whole group. */
  readonly lines: readonly string[];
}

/** Somebody who follows; disposed of when he does no more. */
export interface LogFollower extends Disposable {
  /** What has come since the last call, once there is something; nothing when no more will come. */
  next(): Promise<LineBatch | undefined>;
}

/** There are as many groups as there may be. */
export class TooManyFilters extends Error {
  override readonly name = "TooManyFilters";
}

/** All of them. */
export class Followers {
  readonly #groups = new Map<string, FollowerGroup>();
  readonly #begun: (group: FollowerGroup) => void;
  readonly #over: (group: FollowerGroup) => void;
  #last = 0;
  #isClosed = false;

  /**
   * @param begun somebody wants lines that nobody wanted before
   * @param over nobody wants them any more
   */
  constructor(
    begun: (group: FollowerGroup) => void,
    over: (group: FollowerGroup) => void,
  ) {
    this.#begun = begun;
    this.#over = over;
  }

  get groups(): Iterable<FollowerGroup> {
    return this.#groups.values();
  }

  /** @throws {TooManyFilters} */
  add(filter: LineFilter): LogFollower {
    const key = JSON.stringify(filter);
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= GROUPS_MAX) {
        throw new TooManyFilters(
          `the log is followed with ${GROUPS_MAX} different filters already`,
        );
      }
      group = new FollowerGroup(++this.#last, filter);
      this.#groups.set(key, group);
      this.#begun(group);
    }
    const queue = group.add((isEmpty) => {
      if (isEmpty && this.#groups.delete(key)) this.#over(group);
    });
    if (this.#isClosed) queue.end();
    return queue;
  }

  /** No more lines will come. */
  close(): void {
    this.#isClosed = true;
    for (const group of this.#groups.values()) group.end();
  }
}

/** Those who want the same lines. */
export class FollowerGroup {
  /** Unique in the sidecar. */
  readonly number: number;
  readonly filter: LineFilter;
  readonly #members = new Set<FollowerQueue>();

  constructor(number: number, filter: LineFilter) {
    this.number = number;
    this.filter = filter;
  }

  /** @param left called when the new member has gone, with whether nobody is left */
  add(left: (isEmpty: boolean) => void): FollowerQueue {
    const queue = new FollowerQueue(() => {
      if (this.#members.delete(queue)) left(this.#members.size === 0);
    });
    this.#members.add(queue);
    return queue;
  }

  /** Nobody takes anything now. */
  get isFull(): boolean {
    for (const queue of this.#members) if (!queue.isFull) return false;
    return true;
  }

  /** Gives lines to all of them. */
  take(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const size = lines.reduce((sum, { length }) => sum + length, 0);
    for (const queue of this.#members) queue.push(lines, size);
  }

  /** So many lines were lost on their way here. */
  lose(count: number): void {
    for (const queue of this.#members) queue.lose(count);
  }

  end(): void {
    for (const queue of this.#members) queue.end();
  }
}

class FollowerQueue implements LogFollower {
  readonly #leave: () => void;
  readonly #batches: (LineBatch & { readonly size: number })[] = [];
  #waiting = 0;
  #dropped = 0;
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  get isFull(): boolean {
    return this.#waiting >= FULL;
  }

  push(lines: readonly string[], size: number): void {
    if (this.#waiting > 0 && this.#waiting + size > WAITING_MAX) {
      return this.lose(lines.length);
    }
    this.#batches.push({ dropped: this.#dropped, lines, size });
    this.#dropped = 0;
    this.#waiting += size;
    this.#wake?.();
  }

  lose(count: number): void {
    this.#dropped += count;
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async next(): Promise<LineBatch | undefined> {
    while (this.#batches.length === 0 && this.#dropped === 0) {
      if (this.#isOver) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const batch = this.#batches.shift();
    if (batch) {
      this.#waiting -= batch.size;
      return batch;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { dropped, lines: [] };
  }

  [Symbol.dispose](): void {
    this.end();
    this.#leave();
  }
}
