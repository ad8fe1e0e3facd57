/**
 * How much memory this process may take, beside what it was born with.
 *
 * @module
 */
import { openLibc } from "../linux/libc.ts";
import { Processes } from "../linux/processes.ts";

const RLIMIT_DATA = 2;

/**
 * Takes no more than so many bytes for heap and buffers from now on, for good
 * (RLIMIT_DATA of getrlimit(2)): past it buffers are refused by a RangeError,
 * and the heap's end is the process's. What the runtime has reserved until now,
 * hundreds of megabytes that it may never touch, does not count.
 *
 * @throws {SystemError}
 */
export function limitMemory(bytes: number): void {
  const reserved = new Processes().reserved(Deno.pid) ?? 0;
  const libc = openLibc({
    setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  });
  const limit = new BigUint64Array(2).fill(BigInt(reserved + bytes));
  if (libc.symbols.setrlimit(RLIMIT_DATA, limit) !== 0) {
    throw libc.error("setrlimit(RLIMIT_DATA)");
  }
  libc.close();
}
