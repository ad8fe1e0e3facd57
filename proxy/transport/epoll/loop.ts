/**
 * The event loop of a process: epoll(7), level-triggered, and a timer wheel.
 *
 * Either it blocks in the system (`run`: nothing asynchronous is due, no
 * promise costs anything), or it waits beside the runtime's own loop
 * (`runBeside`: while something is imported, and in tests).
 *
 * @module
 */
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  WORDS,
} from "../../linux/epoll_event.ts";
import { EINTR } from "../../linux/errno.ts";
import { type Libc, openLibc } from "../../linux/libc.ts";
import { TimerWheel } from "./timers.ts";

const LOOP_SYMBOLS = {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  epoll_wait_beside: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const CLOCK_MONOTONIC = 1;
/** Events taken at once. */
const BATCH = 256;
/** Beside the runtime's loop: what was asked for meanwhile is noticed after so long. */
const BESIDE_MS = 20;

/** What a descriptor's events are given to. */
export interface Handler {
  /** `events` is a mask of EPOLL*; must not throw. */
  ready(events: number): void;
}

/** One epoll instance. */
export class Loop {
  readonly timers: TimerWheel;
  readonly #libc: Libc<typeof LOOP_SYMBOLS>;
  readonly #symbols: Libc<typeof LOOP_SYMBOLS>["symbols"];
  readonly #epoll: number;
  readonly #events = new Int32Array(new ArrayBuffer(BATCH * WORDS.event * 4));
  readonly #event = new Int32Array(new ArrayBuffer(WORDS.event * 4));
  readonly #timespec = new Int32Array(new ArrayBuffer(16));
  readonly #handlers: (Handler | undefined)[] = [];
  /** Closed after the batch: until then no new descriptor can have the number, so no event of the old one is taken for its own. */
  #closing: number[] = [];
  #registered = 0;
  #handled = 0;
  #now = 0;
  /** All that was ready by this time has been told. */
  #since: number;
  /** Events of batches that were full since. */
  #full = 0;

  constructor(libc: Libc<typeof LOOP_SYMBOLS>) {
    this.#libc = libc;
    this.#symbols = libc.symbols;
    this.#epoll = this.#symbols.epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw libc.error("epoll_create1");
    this.#since = this.#readClock();
    this.timers = new TimerWheel(this.#since);
  }

  /** @throws {ParleyError} without a C library or the permission to use it */
  static open(): Loop {
    return new Loop(openLibc(LOOP_SYMBOLS));
  }

  /** When the events of this turn were taken: milliseconds of the monotonic clock. */
  get now(): number {
    return this.#now;
  }

  /** Descriptors that are watched. */
  get registered(): number {
    return this.#registered;
  }

  /** Events that were ever handled. */
  get handled(): number {
    return this.#handled;
  }

  /** Watches a descriptor. @throws {SystemError} */
  add(fd: number, events: number, handler: Handler): void {
    this.#control(EPOLL_CTL_ADD, fd, events);
    this.#handlers[fd] = handler;
    this.#registered++;
  }

  modify(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  remove(fd: number): void {
    if (!this.#handlers[fd]) return;
    this.#control(EPOLL_CTL_DEL, fd, 0);
    this.#handlers[fd] = undefined;
    this.#registered--;
  }

  /** Watches a descriptor no more, and closes it when no event of it can be pending. */
  close(fd: number): void {
    if (this.#handlers[fd]) {
      this.#handlers[fd] = undefined;
      this.#registered--;
    }
    this.#closing.push(fd);
  }

  /** Takes events, blocking, until `isOver` says so; it is asked after every turn. */
  run(isOver: () => boolean): void {
    this.#readClock();
    while (!isOver()) {
      const count = this.#symbols.epoll_wait(
        this.#epoll,
        this.#events,
        BATCH,
        this.#wait(),
      );
      if (count < 0 && this.#libc.errno() !== EINTR) {
        throw this.#libc.error("epoll_wait");
      }
      this.#dispatch(Math.max(0, count));
    }
  }

  /** The same beside the runtime's loop. */
  async runBeside(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.#readClock();
      const wait = this.#wait();
      const count = await this.#symbols.epoll_wait_beside(
        this.#epoll,
        this.#events,
        BATCH,
        wait < 0 ? BESIDE_MS : Math.min(wait, BESIDE_MS),
      );
      // It failed in a thread of its own, whose errno is not ours: a signal came.
      this.#dispatch(Math.max(0, count));
    }
  }

  /** Closes the instance; nothing may be watched any more. */
  [Symbol.dispose](): void {
    this.#closeAll();
    this.#symbols.close(this.#epoll);
    this.#libc.close();
  }

  #wait(): number {
    this.#closeAll(); // of calls from outside of a turn
    // What the last turn took is less than a tick of the wheel.
    return this.timers.wait(this.#now);
  }

  #dispatch(count: number): void {
    this.#readClock();
    this.#handled += count;
    const events = this.#events;
    for (let i = 0, at = 0; i < count; i++, at += WORDS.event) {
      this.#handlers[events[at + WORDS.data]!]?.ready(events[at]!);
    }
    this.#expire(count);
    this.#closeAll();
  }

  /**
   * Lets expire what was due before the system was asked, and not what became due
   * while all processes stood still: what happened until then is told first.
   */
  #expire(count: number): void {
    this.#full += count;
    // A full batch may have left some out; the system gives each its turn.
    if (count === BATCH && this.#full < this.#registered) return;
    this.timers.advance(this.#since);
    this.#since = this.#now;
    this.#full = 0;
  }

  #closeAll(): void {
    if (this.#closing.length === 0) return;
    for (const fd of this.#closing) this.#symbols.close(fd);
    this.#closing = [];
  }

  #control(operation: number, fd: number, events: number): void {
    this.#event[0] = events;
    this.#event[WORDS.data] = fd;
    const failed =
      this.#symbols.epoll_ctl(this.#epoll, operation, fd, this.#event) < 0;
    if (failed) throw this.#libc.error("epoll_ctl");
  }

  #readClock(): number {
    this.#symbols.clock_gettime(CLOCK_MONOTONIC, this.#timespec);
    // Both are 64-bit words; their low halves do for decades of uptime.
    return this.#now = this.#timespec[0]! * 1000 + this.#timespec[2]! / 1e6;
  }
}
