/**
 * A seccomp filter: system calls that a data worker has no use for fail with
 * EPERM, in all of its threads, for ever (seccomp(2)).
 *
 * It refuses what is known to be of use to an attacker and lets the rest
 * through: the runtime and its libraries change the calls that they make from
 * version to version. Files and ports are Landlock's; here are the calls that
 * Landlock does not cover.
 *
 * @module
 */
import { ENOSYS, EPERM } from "../linux/errno.ts";
import { type Libc, SIZE } from "../linux/libc.ts";
import {
  assemble,
  bpf,
  type Instruction,
  unlessSet,
  whenAtLeast,
  whenEqual,
  whenNone,
  whenSet,
} from "./bpf.ts";
import {
  AUDIT_ARCH,
  JUDGED,
  type Machine,
  numberOf,
  REFUSED,
} from "./syscalls.ts";

/** What this module calls. */
export const SECCOMP_SYMBOLS = {
  getpid: { parameters: [], result: "i32" },
  seccomp: {
    name: "syscall",
    parameters: [SIZE, "u32", "u32", "buffer"],
    result: "i32",
  },
  prctl: {
    parameters: ["i32", "u64", "u64", "u64", "u64"],
    result: "i32",
  },
} as const;

type SeccompLibc = Libc<typeof SECCOMP_SYMBOLS>;

/** `SECCOMP_RET_*`: what becomes of a call. */
export const ALLOW = 0x7fff0000;
export const KILL_PROCESS = 0x80000000;
const ERRNO = 0x00050000;
/** The call fails with this number. */
export const failsWith = (errno: number): number => ERRNO | errno;

const SECCOMP: Readonly<Record<Machine, number>> = {
  x86_64: 317,
  aarch64: 277,
};
const SET_MODE_FILTER = 1;
const FLAG_TSYNC = 1;
const PR_SET_NO_NEW_PRIVS = 38;

/** x86-64 numbers from here on are the x32 calling convention's, under the same AUDIT_ARCH. */
const X32_BIT = 0x40000000;
const CLONE_THREAD = 0x00010000;
const MSG_FASTOPEN = 0x20000000;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const PR_SET_NAME = 15;
const PR_GET_NAME = 16;
const PR_SET_VMA = 0x53564d41;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_TYPE_MASK = 0xf;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

/** What sockets a process may make: TCP and Unix streams; UDP too. */
export type SocketKind = "streams" | "datagrams";

const SOCKETS: Readonly<
  Record<
    SocketKind,
    { readonly types: number[]; readonly protocols: number[] }
  >
> = {
  streams: { types: [SOCK_STREAM], protocols: [0, IPPROTO_TCP] },
  datagrams: {
    types: [SOCK_STREAM, SOCK_DGRAM],
    protocols: [0, IPPROTO_TCP, IPPROTO_UDP],
  },
};

const refuse: readonly Instruction[] = [bpf.answer(failsWith(EPERM))];
const allow: readonly Instruction[] = [bpf.answer(ALLOW)];

/**
 * Calls that are judged by their arguments. Those of the data path stand first:
 * for calls whose number alone decides, the kernel keeps the answer and does
 * not run the filter at all.
 */
function judged(
  pid: number,
  kind: SocketKind,
): Readonly<Record<keyof typeof JUDGED, Instruction[]>> {
  // Sending with TCP Fast Open connects without asking Landlock.
  const withoutFastOpen = (flags: number) => [
    bpf.loadArgument(flags),
    ...whenSet(MSG_FASTOPEN, refuse),
    ...allow,
  ];
  const toItself = [bpf.loadArgument(0), ...whenNone([pid], refuse), ...allow];
  return {
    sendto: withoutFastOpen(3),
    sendmsg: withoutFastOpen(2),
    sendmmsg: withoutFastOpen(3),
    // Typing into the terminal of whoever started us.
    ioctl: [
      bpf.loadArgument(1),
      ...whenEqual(TIOCSTI, refuse),
      ...whenEqual(TIOCLINUX, refuse),
      ...allow,
    ],
    // Landlock's ports do not cover UDP, MPTCP, SCTP and the rest.
    socket: [
      bpf.loadArgument(0),
      ...whenNone([AF_UNIX, AF_INET, AF_INET6], refuse),
      bpf.loadArgument(1),
      bpf.and(SOCK_TYPE_MASK),
      ...whenNone(SOCKETS[kind].types, refuse),
      bpf.loadArgument(2),
      ...whenNone(SOCKETS[kind].protocols, refuse),
      ...allow,
    ],
    clone: [bpf.loadArgument(0), ...unlessSet(CLONE_THREAD, refuse), ...allow],
    // Its flags are in memory, where a filter cannot look; the C library falls back to clone.
    clone3: [bpf.answer(failsWith(ENOSYS))],
    // Names of threads and of memory; not: who may trace us, and whose death is ours.
    prctl: [
      bpf.loadArgument(0),
      ...whenNone([PR_SET_NAME, PR_GET_NAME, PR_SET_VMA], refuse),
      ...allow,
    ],
    // abort() raises a signal for the process itself.
    kill: toItself,
    tgkill: toItself,
    prlimit64: [bpf.loadArgument(0), ...whenNone([0, pid], refuse), ...allow],
  };
}

/** The filter for a machine and the process that installs it. */
export function buildFilter(
  machine: Machine,
  pid: number,
  kind: SocketKind = "streams",
): Instruction[] {
  const byArguments = Object.entries(judged(pid, kind)).flatMap((
    [name, answer],
  ) =>
    whenEqual(
      numberOf(machine, JUDGED[name as keyof typeof JUDGED])!,
      answer,
    )
  );
  const byNumber = Object.values(REFUSED).flatMap((calls) =>
    Object.values(calls).flatMap((numbers) => {
      const number = numberOf(machine, numbers);
      return number === undefined ? [] : whenEqual(number, refuse);
    })
  );
  return [
    bpf.loadArch(),
    ...whenNone([AUDIT_ARCH[machine]], [bpf.answer(KILL_PROCESS)]),
    bpf.loadNumber(),
    ...whenAtLeast(X32_BIT, [bpf.answer(KILL_PROCESS)]),
    ...byArguments,
    ...byNumber,
    ...allow,
  ];
}

/**
 * Installs the filter in all threads of this process. Answers what is missing,
 * in a few words; nothing if it is in force. It makes a pointer, so it is
 * called while foreign functions are allowed.
 */
export function installFilter(
  { symbols, error }: SeccompLibc,
  kind: SocketKind = "streams",
): string[] {
  const machine = Deno.build.arch;
  const filter = assemble(buildFilter(machine, symbols.getpid(), kind));
  symbols.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n);
  // struct sock_fprog: an unsigned short, padding, a pointer.
  const program = new BigUint64Array(new ArrayBuffer(16));
  program[0] = BigInt(filter.length / 8);
  program[1] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(filter));
  const refused = symbols.seccomp(
    SECCOMP[machine],
    SET_MODE_FILTER,
    FLAG_TSYNC,
    program,
  );
  if (refused === 0) return [];
  // A positive answer is the thread that could not be bound.
  const why = refused > 0
    ? `thread ${refused} is not bound`
    : error("seccomp").text;
  return [`system calls (${why})`];
}
