/**
 * Becoming another program, and what has to be settled before that because it
 * outlives it: the death of the parent, signals, descriptors.
 *
 * @module
 */
import { type Libc, SIZE } from "../linux/libc.ts";

/** What this module calls. */
export const EXEC_SYMBOLS = {
  prctl: {
    parameters: ["i32", "u64", "u64", "u64", "u64"],
    result: "i32",
  },
  getppid: { parameters: [], result: "i32" },
  sigprocmask: { parameters: ["i32", "buffer", "pointer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // The C library's own name is younger than the call (Linux 5.9).
  close_range: {
    name: "syscall",
    parameters: [SIZE, "u32", "u32", "u32"],
    result: "i32",
  },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
} as const;

type ExecLibc = Libc<typeof EXEC_SYMBOLS>;

const PR_SET_PDEATHSIG = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGHUP = 1;
const SIGINT = 2;
const SIGKILL = 9;
const SIGTERM = 15;
const SIG_BLOCK = 0;
/** sigset_t of glibc and musl. */
const SIGSET_BYTES = 128;
const CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 1 << 2;
const ANY_DESCRIPTOR = 0xffffffff;
const FIRST_DESCRIPTOR = 3;
const F_SETFD = 2;

/**
 * Ties the process to its parent: killed when that dies, whatever it does at
 * the time. Kept across an `execve` (PR_SET_PDEATHSIG(2const)). False: the
 * parent is gone already.
 */
export function dieWithParent(libc: ExecLibc, parent: number): boolean {
  if (libc.symbols.prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL), 0n, 0n, 0n) !== 0) {
    throw libc.error("prctl(PR_SET_PDEATHSIG)");
  }
  return libc.symbols.getppid() === parent;
}

/** No program that is started from here on gains rights by being set-user-ID (PR_SET_NO_NEW_PRIVS(2const)). */
export function gainNoPrivileges(libc: ExecLibc): void {
  if (libc.symbols.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) {
    throw libc.error("prctl(PR_SET_NO_NEW_PRIVS)");
  }
}

/**
 * Blocks the signals that a terminal, or whoever stops the whole group, sends:
 * they are the parent's to act on. Blocked they stay across an `execve` and in
 * every thread (signal(7)), whatever handlers the runtime installs; that they
 * are ignored it would undo at its first import.
 */
export function blockGroupSignals(libc: ExecLibc): void {
  const set = new Uint8Array(SIGSET_BYTES);
  for (const signal of [SIGHUP, SIGINT, SIGTERM]) {
    const bit = signal - 1;
    set[bit >> 3]! |= 1 << (bit & 7);
  }
  if (libc.symbols.sigprocmask(SIG_BLOCK, set, null) !== 0) {
    throw libc.error("sigprocmask");
  }
}

/** Lets these descriptors through the next `execve`, and, besides the first three, no other. */
export function keepOnly(libc: ExecLibc, descriptors: readonly number[]): void {
  const { symbols } = libc;
  const closed = symbols.close_range(
    CLOSE_RANGE,
    FIRST_DESCRIPTOR,
    ANY_DESCRIPTOR,
    CLOSE_RANGE_CLOEXEC,
  );
  if (closed !== 0) throw libc.error("close_range");
  for (const descriptor of descriptors) {
    if (symbols.fcntl(descriptor, F_SETFD, 0) !== 0) {
      throw libc.error(`fcntl(${descriptor}, F_SETFD)`);
    }
  }
}

/**
 * Becomes another program. `argv` begins with its own name.
 *
 * @throws {SystemError} whenever it returns
 */
export function become(
  libc: ExecLibc,
  program: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): never {
  const variables = Object.entries(environment).map(([name, value]) =>
    `${name}=${value}`
  );
  libc.symbols.execve(
    new TextEncoder().encode(`${program}\0`),
    vector(argv),
    vector(variables),
  );
  throw libc.error(`execve(${program})`);
}

/** A NULL-terminated array of pointers to C strings, all in one buffer: nothing of it can be moved or collected on its own. */
function vector(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  const strings = texts.map((text) => new TextEncoder().encode(`${text}\0`));
  const table = 8 * (texts.length + 1);
  const bytes = strings.reduce((sum, { length }) => sum + length, table);
  const block = new Uint8Array(new ArrayBuffer(bytes));
  const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(block));
  const pointers = new BigUint64Array(block.buffer, 0, texts.length);
  let at = table;
  strings.forEach((string, index) => {
    block.set(string, at);
    pointers[index] = base + BigInt(at);
    at += string.length;
  });
  return block;
}
