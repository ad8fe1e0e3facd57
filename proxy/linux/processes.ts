/**
 * What the system knows of other processes. Not through the runtime: it opens
 * files below /proc to programs only that may do all.
 *
 * @module
 */
import { type Libc, openLibc, SIZE } from "./libc.ts";

const SYMBOLS = {
  clock_getcpuclockid: { parameters: ["i32", "buffer"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const O_CLOEXEC = 0o2000000;
const PAGE_BYTES = 4096;
/** Longer than any line of statm. */
const LINE_BYTES = 256;

/** Looks at processes by their numbers. */
export class Processes {
  readonly #libc: Libc<typeof SYMBOLS> = openLibc(SYMBOLS);
  readonly #clock = new Int32Array(new ArrayBuffer(4));
  readonly #timespec = new BigInt64Array(new ArrayBuffer(16));
  readonly #line = new Uint8Array(new ArrayBuffer(LINE_BYTES));

  /** Processor time that a process has used, in milliseconds; nothing if it is gone (clock_getcpuclockid(3)). */
  cpu(pid: number): number | undefined {
    const { symbols } = this.#libc;
    if (symbols.clock_getcpuclockid(pid, this.#clock) !== 0) return undefined;
    if (symbols.clock_gettime(this.#clock[0]!, this.#timespec) !== 0) {
      return undefined;
    }
    const [seconds, nanoseconds] = this.#timespec;
    return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
  }

  /** Bytes that a process has for itself: resident, and no file's; nothing if it is gone (proc_pid_statm(5)). */
  memory(pid: number): number | undefined {
    const pages = this.#pages(pid);
    return pages && (pages[1]! - pages[2]!) * PAGE_BYTES;
  }

  /** Bytes that a process has reserved for data, used or not; nothing if it is gone. */
  reserved(pid: number): number | undefined {
    const pages = this.#pages(pid);
    return pages && pages[5]! * PAGE_BYTES;
  }

  close(): void {
    this.#libc.close();
  }

  /** The fields of statm. */
  #pages(pid: number): number[] | undefined {
    const { symbols } = this.#libc;
    const path = new TextEncoder().encode(`/proc/${pid}/statm\0`);
    const fd = symbols.open(path, O_CLOEXEC);
    if (fd < 0) return undefined;
    const count = symbols.read(fd, this.#line, LINE_BYTES);
    symbols.close(fd);
    if (count <= 0) return undefined;
    const line = this.#line.subarray(0, count);
    return new TextDecoder().decode(line).split(" ").map(Number);
  }
}
