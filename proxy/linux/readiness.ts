/**
 * Waits for many descriptors with one thread (epoll(7)).
 *
 * A blocking call for each would take one of the 32 threads that the runtime
 * has for all that it does, and hold it.
 *
 * @module
 */
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  WORDS,
} from "./epoll_event.ts";
import { ENOENT } from "./errno.ts";
import { type Libc, openLibc } from "./libc.ts";

const READINESS_SYMBOLS = {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait_beside: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Events taken at once. */
const BATCH = 64;
const FOR_EVER = -1;
/** Whoever waits is told of these in any case. */
const ENDS = EPOLLERR | EPOLLHUP;

/** Who waits for a descriptor. */
interface Waiting {
  [EPOLLIN]?: () => void;
  [EPOLLOUT]?: () => void;
}

/** One epoll instance. A descriptor is closed only when nobody waits for it: what ends its peer ends the waiting. */
export class Readiness {
  readonly #libc: Libc<typeof READINESS_SYMBOLS> = openLibc(READINESS_SYMBOLS);
  readonly #epoll: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events = new Int32Array(new ArrayBuffer(BATCH * WORDS.event * 4));
  readonly #event = new Int32Array(new ArrayBuffer(WORDS.event * 4));
  #isWaiting = false;

  /** @throws {ParleyError} without a C library @throws {SystemError} */
  constructor() {
    this.#epoll = this.#libc.symbols.epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw this.#libc.error("epoll_create1");
  }

  /** Resolves when a read would not block, or the peer is gone. One at a time. @throws {SystemError} */
  readable(fd: number): Promise<void> {
    return this.#ready(fd, EPOLLIN);
  }

  /** Resolves when a write would not block, or the peer is gone. One at a time. @throws {SystemError} */
  writable(fd: number): Promise<void> {
    return this.#ready(fd, EPOLLOUT);
  }

  /** Nobody may be waiting. */
  close(): void {
    this.#libc.symbols.close(this.#epoll);
    this.#libc.close();
  }

  #ready(fd: number, event: keyof Waiting): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { ...this.#waiting.get(fd), [event]: resolve };
    this.#arm(fd, waiting);
    this.#waiting.set(fd, waiting);
    if (!this.#isWaiting) void this.#wait();
    return promise;
  }

  /** While the thread waits, too. */
  #arm(fd: number, waiting: Waiting): void {
    this.#event[0] = EPOLLONESHOT |
      (waiting[EPOLLIN] ? EPOLLIN : 0) | (waiting[EPOLLOUT] ? EPOLLOUT : 0);
    this.#event[WORDS.data] = fd;
    const { epoll_ctl } = this.#libc.symbols;
    if (epoll_ctl(this.#epoll, EPOLL_CTL_MOD, fd, this.#event) === 0) return;
    const isNew = this.#libc.errno() === ENOENT;
    if (isNew && epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#event) === 0) {
      return;
    }
    throw this.#libc.error("epoll_ctl");
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    const { epoll_wait_beside } = this.#libc.symbols;
    while (this.#waiting.size > 0) {
      const count = await epoll_wait_beside(
        this.#epoll,
        this.#events,
        BATCH,
        FOR_EVER,
      );
      // Less than none: a signal came. Its errno is of another thread.
      for (let i = 0; i < count; i++) {
        const at = i * WORDS.event;
        this.#tell(this.#events[at + WORDS.data]!, this.#events[at]!);
      }
    }
    this.#isWaiting = false;
  }

  #tell(fd: number, events: number): void {
    const waiting = this.#waiting.get(fd);
    if (!waiting) return;
    const told: (() => void)[] = [];
    for (const event of [EPOLLIN, EPOLLOUT] as const) {
      const resolve = waiting[event];
      if (!resolve || !(events & (event | ENDS))) continue;
      delete waiting[event];
      told.push(resolve);
    }
    if (waiting[EPOLLIN] || waiting[EPOLLOUT]) this.#arm(fd, waiting);
    else this.#waiting.delete(fd);
    for (const resolve of told) resolve();
  }
}
