/**
 * Where the workers' access logs go: descriptors that the supervisor opens. A
 * file is shared by all; for other sinks each worker gets a pipe, whose lines
 * the supervisor passes on.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";
import { openSink } from "../accesslog/sinks.ts";
import type { UnixSinkOptions } from "../accesslog/unix_sink.ts";
import type { LogSink } from "../accesslog/writer.ts";
import type { LogTarget } from "../config/mod.ts";
import { type Libc, openLibc } from "../linux/libc.ts";
import type { Readiness } from "../linux/readiness.ts";
import { thrownText } from "../thrown.ts";
import { LinePipes } from "./line_pipe.ts";

const OUTPUT_SYMBOLS = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const O_WRONLY_CREAT_APPEND = 0o1 | 0o100 | 0o2000;
const O_CLOEXEC = 0o2000000;
const MODE = 0o640;
const READ_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;

/** The access log of a sidecar. */
export class LogOutput {
  readonly #libc: Libc<typeof OUTPUT_SYMBOLS>;
  readonly #log: UnixSinkOptions;
  readonly #target: LogTarget;
  #file = -1;
  readonly #sink: LogSink | undefined;
  readonly #pipes: LinePipes;
  /** Writes of all readers, one after the other. */
  #writing: Promise<void> = Promise.resolve();

  /** @throws {ParleyError} when the file cannot be opened */
  constructor(
    target: LogTarget,
    log: UnixSinkOptions,
    readiness: Readiness,
  ) {
    this.#libc = openLibc(OUTPUT_SYMBOLS);
    this.#target = target;
    this.#log = log;
    this.#pipes = new LinePipes(readiness);
    if (isFile(target)) this.#file = this.#open(target.file);
    else this.#sink = openSink(target, log);
  }

  /**
   * Lends a descriptor for a worker's lines; it may be closed as soon as it was
   * sent.
   */
  async lend(use: (descriptor: number) => void | Promise<void>): Promise<void> {
    if (this.#file >= 0) return await use(this.#file);
    const reader = {
      bytes: READ_BYTES,
      take: (lines: Uint8Array) => this.#write(lines),
      torn: () =>
        this.#log.warn("a worker ended inside a line of the access log"),
    };
    await this.#pipes.lend(reader, use);
  }

  /** Follows a rotation; true if workers must be given the new descriptor. */
  reopen(): boolean {
    if (!isFile(this.#target)) {
      this.#sink!.reopen();
      return false;
    }
    try {
      const next = this.#open(this.#target.file);
      this.#libc.symbols.close(this.#file);
      this.#file = next;
      return true;
    } catch (error) {
      this.#log.warn(`${thrownText(error)}; the log goes on where it was`);
      return false;
    }
  }

  /** Passes on what is in the pipes, once the workers are gone, and closes all. */
  async close(): Promise<void> {
    this.#sink?.hurry?.();
    await this.#pipes.close();
    await this.#writing;
    this.#sink?.close();
    if (this.#file >= 0) this.#libc.symbols.close(this.#file);
    this.#libc.close();
  }

  #write(lines: Uint8Array): Promise<void> {
    return this.#writing = this.#writing
      .then(() => this.#sink!.write(lines))
      .catch((error) =>
        this.#log.warn(
          `cannot write the access log: ${thrownText(error)}; ${
            lines.filter((byte) => byte === LINE_FEED).length
          } lines are dropped`,
        )
      );
  }

  #open(path: string): number {
    const name = new TextEncoder().encode(`${path}\0`);
    const flags = O_WRONLY_CREAT_APPEND | O_CLOEXEC;
    const fd = this.#libc.symbols.open(name, flags, MODE);
    if (fd >= 0) return fd;
    const cause = this.#libc.error("open");
    throw new ParleyError("Cannot open the access log", {
      blame: "operator",
      where: path,
      found: cause.message,
      mend: "name a file in a folder that exists and may be written to",
    }, { cause });
  }
}

function isFile(target: LogTarget): target is { readonly file: string } {
  return typeof target === "object" && "file" in target;
}
