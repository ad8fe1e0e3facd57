/**
 * The access log of a data worker: whole lines, in batches, to a descriptor
 * that the supervisor opened (a file, or a pipe to the supervisor).
 *
 * A slow reader never stalls traffic: past a bound lines are dropped, counted,
 * and the count is itself logged.
 *
 * @module
 */
import { EAGAIN } from "../linux/errno.ts";
import { type Libc, openLibc, SIZE } from "../linux/libc.ts";
import { EPOLLOUT } from "../linux/epoll_event.ts";
import { type Handler, type Loop } from "../transport/epoll/loop.ts";
import { Queue } from "../transport/epoll/queue.ts";
import type { Timed } from "../transport/epoll/timers.ts";
import { BEFORE_TIME, BEHIND_FIELDS } from "./format.ts";
import { TIMESTAMP_BYTES, Timestamps } from "./timestamps.ts";
import { BATCH_BYTES, BATCH_MS, droppedLine, PENDING_MAX } from "./writer.ts";

const LOG_SYMBOLS = {
  write: { parameters: ["i32", "buffer", SIZE], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** What logs write with; several can share it. */
export type LogLibrary = Libc<typeof LOG_SYMBOLS>;

/** Opens it, which the sandbox of a worker does not allow any more. */
export function openLogLibrary(): LogLibrary {
  return openLibc(LOG_SYMBOLS);
}

const LINE_FEED = 0x0a;
/** What a line has besides its middle and its fields. */
const FRAME_BYTES = BEFORE_TIME.length + TIMESTAMP_BYTES + BEHIND_FIELDS.length;
/** Up to this length a loop costs less than a native call. */
const SHORT = 160;

/** Collects lines and writes them. */
export class DescriptorLog implements Handler, Timed {
  deadline = 0;
  slot: Set<Timed> | undefined;
  readonly #loop: Loop;
  readonly #libc: LogLibrary;
  readonly #now: () => number;
  readonly #warn: (message: string) => void;
  readonly #most: number;
  readonly #encoder = new TextEncoder();
  /** Lines that no write was tried for, one after the other. */
  #batch = allocate(BATCH_BYTES);
  #used = 0;
  #lines = 0;
  readonly #timestamps = new Timestamps();
  #fd = -1;
  /** What the pipe has not taken. */
  readonly #queue = new Queue();
  #isWatched = false;
  #unreported = 0;
  #dropped = 0;

  /**
   * @param now milliseconds since the epoch
   * @param most bytes that may wait for a slow reader
   */
  constructor(
    loop: Loop,
    now: () => number,
    warn: (message: string) => void,
    most = PENDING_MAX,
    library = openLogLibrary(),
  ) {
    this.#most = most;
    this.#loop = loop;
    this.#now = now;
    this.#warn = warn;
    this.#libc = library;
  }

  /** Lines dropped ever. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether all lines have left. */
  get isEmpty(): boolean {
    return this.#used === 0 && this.#queue.length === 0;
  }

  /** Writes to another descriptor from the next line on, after a rotation; it is this log's own now. -1: to none. */
  open(fd: number): void {
    this.flush();
    this.#watch(false);
    this.#queue.clear(); // of a pipe whose reader is gone
    if (this.#fd >= 0) this.#loop.close(this.#fd);
    this.#fd = fd;
  }

  /** Takes a line; see `TakeLine`. */
  write(time: number, middle: Uint8Array, fields: string | Uint8Array): void {
    // A character of a string is three bytes of UTF-8 at most.
    const most = FRAME_BYTES + middle.length + 3 * fields.length;
    const waiting = this.#queue.length + this.#used;
    // However long, a line is taken when nothing waits: it is not the reader that is slow.
    if (waiting > 0 && waiting + most > this.#most) {
      this.#unreported++;
      this.#dropped++;
      return;
    }
    this.#makeRoom(most);
    this.#append(BEFORE_TIME);
    this.#copy(this.#timestamps.bytes(time));
    this.#copy(middle);
    if (typeof fields === "string") this.#append(fields);
    else this.#copy(fields);
    this.#append(BEHIND_FIELDS);
    this.#lines++;
  }

  /** Writes what is pending, as far as it is taken now. */
  flush(): void {
    if (this.#fd < 0 || this.#used === 0) return;
    const bytes = this.#batch.subarray(0, this.#used);
    const lines = this.#lines;
    this.#used = 0;
    this.#lines = 0;
    if (this.#batch.length > BATCH_BYTES) this.#batch = allocate(BATCH_BYTES);
    if (this.#queue.length > 0) return this.#queue.push(bytes);
    const written = this.#write(bytes);
    if (written < 0) this.#lose(lines);
    else if (written < bytes.length) {
      this.#queue.push(bytes.subarray(written));
      this.#awaitRoom();
    }
  }

  /** The batch is old enough. */
  expire(): void {
    this.flush();
  }

  /** The pipe takes more. */
  ready(): void {
    while (this.#queue.length > 0) {
      const head = this.#queue.head();
      const written = this.#write(head);
      if (written < 0) return this.#loseQueue();
      this.#queue.consume(written);
      if (written < head.length) return;
    }
    this.#watch(false);
    this.#reportDropped();
    this.flush();
  }

  /** Room for so many bytes behind those that wait. */
  #makeRoom(bytes: number): void {
    if (this.#used + bytes > this.#batch.length) this.flush();
    if (this.#used === 0) this.#expectFlush();
    const wanted = this.#used + bytes;
    if (wanted <= this.#batch.length) return;
    const grown = allocate(Math.max(wanted, 2 * this.#used));
    grown.set(this.#batch.subarray(0, this.#used));
    this.#batch = grown;
  }

  #copy(bytes: Uint8Array): void {
    this.#batch.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #append(text: string): void {
    if (text.length > SHORT) return this.#encode(text);
    const batch = this.#batch;
    const start = this.#used;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return this.#encode(text);
      batch[start + i] = code;
    }
    this.#used = start + text.length;
  }

  #encode(text: string): void {
    const room = this.#batch.subarray(this.#used);
    this.#used += this.#encoder.encodeInto(text, room).written;
  }

  /** Bytes that were taken; -1: it failed. */
  #write(bytes: Uint8Array): number {
    const { symbols } = this.#libc;
    const written = symbols.write(
      this.#fd,
      bytes as Uint8Array<ArrayBuffer>,
      bytes.length,
    );
    return written < 0 && this.#libc.errno() === EAGAIN ? 0 : written;
  }

  #awaitRoom(): void {
    try {
      this.#watch(true);
    } catch {
      // A file, which is always ready: what it did not take there is no room for.
      this.#isWatched = false;
      this.ready();
    }
  }

  #loseQueue(): void {
    let lines = 0;
    while (this.#queue.length > 0) {
      const head = this.#queue.head();
      for (const byte of head) if (byte === LINE_FEED) lines++;
      this.#queue.consume(head.length);
    }
    this.#lose(lines);
    this.#watch(false);
  }

  #lose(lines: number): void {
    this.#dropped += lines;
    const { message } = this.#libc.error("write");
    this.#warn(
      `cannot write the access log: ${message}; ${lines} lines are dropped`,
    );
  }

  #watch(watched: boolean): void {
    if (watched === this.#isWatched) return;
    this.#isWatched = watched;
    if (watched) this.#loop.add(this.#fd, EPOLLOUT, this);
    else this.#loop.remove(this.#fd);
  }

  #expectFlush(): void {
    if (this.slot) return;
    this.deadline = this.#loop.now + BATCH_MS;
    this.#loop.timers.add(this);
  }

  /** The report is never dropped itself: it would be when it is needed most. */
  #reportDropped(): void {
    if (this.#unreported === 0) return;
    const dropped = this.#unreported;
    this.#unreported = 0;
    this.#warn(`the access log's sink is slow: ${dropped} lines dropped`);
    const time = this.#timestamps.format(this.#now());
    const line = droppedLine(time, dropped);
    this.#makeRoom(line.length);
    this.#append(line);
    this.#lines++;
  }
}

function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(bytes));
}
