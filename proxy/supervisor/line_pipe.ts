/**
 * Pipes from other processes, read line by line.
 *
 * @module
 */
import { EAGAIN } from "../linux/errno.ts";
import { type Libc, openLibc, SIZE } from "../linux/libc.ts";
import type { Readiness } from "../linux/readiness.ts";

const PIPE_SYMBOLS = {
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const LINE_FEED = 0x0a;
/** No line is so long: who writes such a one is not read any more. */
const HELD_MAX = 8 * 1024 * 1024;

/** What is made of the lines of one pipe. */
export interface LineReader {
  /** Of a read. */
  readonly bytes: number;
  /** Takes whole lines. Nothing is read until it resolves: the writer, who does not wait, drops lines then. */
  take(lines: Uint8Array): Promise<void>;
  /** The writer has gone inside a line. */
  torn(): void;
}

/** Makes pipes and reads them. */
export class LinePipes {
  readonly #libc: Libc<typeof PIPE_SYMBOLS> = openLibc(PIPE_SYMBOLS);
  readonly #readiness: Readiness;
  readonly #reading = new Set<Promise<void>>();

  constructor(readiness: Readiness) {
    this.#readiness = readiness;
  }

  /** Lends the end to write to; it may be closed as soon as it was sent. */
  async lend(
    reader: LineReader,
    use: (descriptor: number) => void | Promise<void>,
  ): Promise<void> {
    const ends = new Int32Array(2);
    if (this.#libc.symbols.pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
      throw this.#libc.error("pipe2");
    }
    const [reads, writes] = ends as unknown as [number, number];
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
      const count = await this.#readSome(reads, buffer);
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
  ): Promise<number> {
    for (;;) {
      await this.#readiness.readable(reads);
      const count = this.#libc.symbols.read(reads, buffer, buffer.length);
      if (count >= 0 || this.#libc.errno() !== EAGAIN) return count;
    }
  }

  /** Resolves when all that was written is taken; the writers must be gone. */
  async close(): Promise<void> {
    await Promise.all(this.#reading);
    this.#libc.close();
  }
}
