/**
 * A sink at a descriptor that came from the supervisor: a file, or a pipe that
 * never blocks.
 *
 * @module
 */
import type { LogSink } from "../accesslog/writer.ts";
import { EAGAIN } from "../linux/errno.ts";
import { type Libc, SIZE } from "../linux/libc.ts";

export const LOG_SYMBOLS = {
  write: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** A full pipe is tried again after so long. */
const AGAIN_MS = 20;

/** Writes to the descriptor that was given last. */
export class LogDescriptor implements LogSink {
  readonly #libc: Libc<typeof LOG_SYMBOLS>;
  #fd: number | undefined;

  constructor(libc: Libc<typeof LOG_SYMBOLS>) {
    this.#libc = libc;
  }

  /** It is this sink's own now. */
  open(fd: number): void {
    this.close();
    this.#fd = fd;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const rest = bytes.slice(at);
      const written = this.#fd === undefined
        ? 0 // the first one is on its way
        : this.#libc.symbols.write(this.#fd, rest, rest.length);
      if (written > 0) {
        at += written;
        continue;
      }
      if (written < 0 && this.#libc.errno() !== EAGAIN) {
        throw this.#libc.error("write");
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  reopen(): void {} // the supervisor does, and gives another descriptor

  close(): void {
    if (this.#fd !== undefined) this.#libc.symbols.close(this.#fd);
    this.#fd = undefined;
  }
}
