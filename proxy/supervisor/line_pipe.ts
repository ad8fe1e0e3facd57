/**
 * Pipes from other processes, read line by line.
 *
 * @module
 */
import { EAGAIN } from "../linux/errno.ts";
import { type Libc, openLibc, SIZE } from "../linux/libc.ts";

const PIPE_SYMBOLS = {
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", SIZE], result: "i32" },
  read: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  read_beside: {
    name: "read",
    parameters: ["i32", "buffer", SIZE],
    result: "i32",
    nonblocking: true,
  },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETFL = 4;
const LINE_FEED = 0x0a;
/** No line is so long: who writes such a one is not read any more. */
const HELD_MAX = 8 * 1024 * 1024;

/** What is made of the lines of one pipe. */
export interface LineReader {
  /** Of a read. */
  readonly bytes: number;
  /** Milliseconds from one look at an empty pipe to the next. Absent: a thread of the runtime waits at it, and of those there are 32 for all that it does. */
  readonly every?: number;
  /** Takes whole lines. Nothing is read until it resolves: the writer, who does not wait, drops lines then. */
  take(lines: Uint8Array): Promise<void>;
  /** The writer has gone inside a line. */
  torn(): void;
}

/** Makes pipes and reads them. */
export class LinePipes {
  readonly #libc: Libc<typeof PIPE_SYMBOLS> = openLibc(PIPE_SYMBOLS);
  readonly #reading = new Set<Promise<void>>();

  /** Lends the end to write to; it may be closed as soon as it was sent. */
  async lend(
    reader: LineReader,
    use: (descriptor: number) => void | Promise<void>,
  ): Promise<void> {
    const ends = new Int32Array(2);
    if (this.#libc.symbols.pipe2(ends, O_CLOEXEC) < 0) {
      throw this.#libc.error("pipe2");
    }
    const [reads, writes] = ends as unknown as [number, number];
    this.#libc.symbols.fcntl(writes, F_SETFL, O_NONBLOCK);
    if (reader.every !== undefined) {
      this.#libc.symbols.fcntl(reads, F_SETFL, O_NONBLOCK);
    }
    const reading = this.#read(reads, reader).finally(() =>
      this.#reading.delete(reading)
    );
    this.#reading.add(reading);
    try {
      await use(writes);
    } finally {
      this.#libc.symbols.close(writes);
    }
  }

  async #read(reads: number, reader: LineReader): Promise<void> {
    const buffer = new Uint8Array(new ArrayBuffer(reader.bytes));
    let held = new Uint8Array(0);
    while (held.length < HELD_MAX) {
      const count = await this.#readSome(reads, buffer, reader.every);
      if (count <= 0) break;
      const bytes = new Uint8Array(held.length + count);
      bytes.set(held);
      bytes.set(buffer.subarray(0, count), held.length);
      const end = bytes.lastIndexOf(LINE_FEED) + 1;
      held = bytes.slice(end);
      if (end > 0) await reader.take(bytes.subarray(0, end));
    }
    this.#libc.symbols.close(reads);
    if (held.length > 0) reader.torn();
  }

  /** How much was read; 0 at the end. */
  async #readSome(
    reads: number,
    buffer: Uint8Array<ArrayBuffer>,
    every: number | undefined,
  ): Promise<number> {
    const { symbols, errno } = this.#libc;
    if (every === undefined) {
      return await symbols.read_beside(reads, buffer, buffer.length);
    }
    for (;;) {
      const count = symbols.read(reads, buffer, buffer.length);
      if (count >= 0 || errno() !== EAGAIN) return count;
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  }

  /** Resolves when all that was written is taken; the writers must be gone. */
  async close(): Promise<void> {
    await Promise.all(this.#reading);
    this.#libc.close();
  }
}
