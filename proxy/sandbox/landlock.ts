/**
 * Landlock: which files and TCP ports a process can reach, held by the kernel
 * whatever the process runs (Linux, Documentation/userspace-api/landlock.rst).
 *
 * A ruleset binds the calling thread, and across an `execve` every thread of
 * the new program. So it is set by a launcher that then becomes the program.
 *
 * @module
 */
import { ENOENT } from "../linux/errno.ts";
import { type Libc, SIZE } from "../linux/libc.ts";

/**
 * What this module calls. The C library has no names for these system calls;
 * the numbers are the same on x86-64 and arm64, and integer arguments of a
 * variadic function travel there as those of any other.
 */
export const LANDLOCK_SYMBOLS = {
  landlock_create_ruleset: {
    name: "syscall",
    parameters: [SIZE, "buffer", SIZE, "u32"],
    result: "i32",
  },
  landlock_add_rule: {
    name: "syscall",
    parameters: [SIZE, "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  landlock_restrict_self: {
    name: "syscall",
    parameters: [SIZE, "i32", "u32"],
    result: "i32",
  },
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

type LandlockLibc = Libc<typeof LANDLOCK_SYMBOLS>;

const CREATE_RULESET = 444;
const ADD_RULE = 445;
const RESTRICT_SELF = 446;

const CREATE_RULESET_VERSION = 1;
const RULE_PATH_BENEATH = 1;
const RULE_NET_PORT = 2;

const FS_EXECUTE = 1 << 0;
const FS_WRITE_FILE = 1 << 1;
const FS_READ_FILE = 1 << 2;
const FS_READ_DIR = 1 << 3;
const NET_BIND_TCP = 1 << 0;
const NET_CONNECT_TCP = 1 << 1;
const SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0;
const SCOPE_SIGNAL = 1 << 1;

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** What a process may do with the files at, or below, a path. */
export type Use = "read" | "run" | "write";

/** What stays allowed. All else that the kernel can forbid is forbidden. */
export interface Rules {
  readonly files: readonly PathRule[];
  /** TCP ports to connect to; `any` leaves connecting free. */
  readonly connect: readonly number[] | "any";
  /** TCP ports to bind to; 0 stands for a port of the kernel's choice. */
  readonly bind: readonly number[] | "any";
}

/** A path that may be used. */
export interface PathRule {
  readonly path: string;
  readonly folder: boolean;
  readonly use: Use;
}

/** What a kernel's Landlock can forbid. */
export interface Handled {
  readonly fs: number;
  readonly net: number;
  readonly scope: number;
  /** Bytes of `struct landlock_ruleset_attr` that this ABI knows. */
  readonly size: number;
  /** What it cannot forbid, in a few words each. */
  readonly missing: readonly string[];
}

/** The rights that came with each ABI, and what is open without them. */
const FS_RIGHTS:
  readonly (readonly [abi: number, bits: number, lack: string])[] = [
    [1, 0x1fff, "files"],
    [2, 0x2000, "moving files between folders"], // REFER: without it always denied
    [3, 0x4000, "truncating files"],
    [5, 0x8000, "device ioctls"],
  ];

/** What an ABI version can forbid; 0 stands for a kernel without Landlock. */
export function handledBy(abi: number): Handled {
  const known = FS_RIGHTS.filter(([since]) => since <= abi);
  const missing = FS_RIGHTS.filter(([since]) => since > abi && since !== 2)
    .map(([, , lack]) => lack);
  if (abi < 4) missing.push("TCP ports");
  if (abi < 6) missing.push("abstract Unix sockets", "signals");
  return {
    fs: known.reduce((bits, [, more]) => bits | more, 0),
    net: abi < 4 ? 0 : NET_BIND_TCP | NET_CONNECT_TCP,
    scope: abi < 6 ? 0 : SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL,
    size: abi < 4 ? 8 : abi < 6 ? 16 : 24,
    missing,
  };
}

/** The kernel's Landlock ABI version; 0 where there is none, or it is switched off. */
export function landlockAbi({ symbols }: LandlockLibc): number {
  const abi = symbols.landlock_create_ruleset(
    CREATE_RULESET,
    null,
    0,
    CREATE_RULESET_VERSION,
  );
  return Math.max(abi, 0); // ENOSYS or EOPNOTSUPP
}

/**
 * Binds the calling thread, and what it becomes by `execve`, to the rules for
 * ever. The thread must have `no_new_privs`. Answers what this kernel cannot
 * forbid, in a few words each.
 *
 * @throws {SystemError} when the kernel has Landlock but refuses the rules
 */
export function restrict(libc: LandlockLibc, rules: Rules): readonly string[] {
  const { symbols } = libc;
  const handled = handledBy(landlockAbi(libc));
  if (handled.fs === 0) return handled.missing;
  const ruleset = createRuleset(libc, handled, rules);
  for (const rule of rules.files) allowPath(libc, ruleset, handled, rule);
  if (handled.net !== 0) {
    allowPorts(libc, ruleset, NET_CONNECT_TCP, rules.connect);
    allowPorts(libc, ruleset, NET_BIND_TCP, rules.bind);
  }
  if (symbols.landlock_restrict_self(RESTRICT_SELF, ruleset, 0) !== 0) {
    throw libc.error("landlock_restrict_self");
  }
  symbols.close(ruleset);
  return handled.missing;
}

function createRuleset(
  libc: LandlockLibc,
  { fs, net, scope, size }: Handled,
  rules: Rules,
): number {
  let ports = net;
  if (rules.connect === "any") ports &= ~NET_CONNECT_TCP;
  if (rules.bind === "any") ports &= ~NET_BIND_TCP;
  const ruleset = libc.symbols.landlock_create_ruleset(
    CREATE_RULESET,
    new BigUint64Array([fs, ports, scope].map(BigInt)),
    size,
    0,
  );
  if (ruleset < 0) throw libc.error("landlock_create_ruleset");
  return ruleset;
}

/** What a use is as rights: of a file, and below a folder. */
const FILE_RIGHTS: Readonly<Record<Use, number>> = {
  read: FS_READ_FILE,
  run: FS_READ_FILE | FS_EXECUTE,
  write: FS_READ_FILE | FS_WRITE_FILE,
};

function allowPath(
  libc: LandlockLibc,
  ruleset: number,
  handled: Handled,
  { path, folder, use }: PathRule,
): void {
  const { symbols } = libc;
  const file = symbols.open(cString(path), O_PATH | O_CLOEXEC, 0);
  if (file < 0) {
    if (libc.errno() === ENOENT) return; // nothing there, nothing to allow
    throw libc.error(`open(${path})`);
  }
  const rights = FILE_RIGHTS[use] | (folder ? FS_READ_DIR : 0);
  // struct landlock_path_beneath_attr is packed: a u64, then an i32.
  const attributes = new DataView(new ArrayBuffer(12));
  attributes.setBigUint64(0, BigInt(rights & handled.fs), true);
  attributes.setInt32(8, file, true);
  const added = symbols.landlock_add_rule(
    ADD_RULE,
    ruleset,
    RULE_PATH_BENEATH,
    attributes,
    0,
  );
  if (added !== 0) throw libc.error(`landlock_add_rule(${path})`);
  symbols.close(file);
}

function allowPorts(
  { symbols, error }: LandlockLibc,
  ruleset: number,
  right: number,
  ports: readonly number[] | "any",
): void {
  if (ports === "any") return; // the right is not handled at all
  for (const port of ports) {
    const attributes = new BigUint64Array([BigInt(right), BigInt(port)]);
    const added = symbols.landlock_add_rule(
      ADD_RULE,
      ruleset,
      RULE_NET_PORT,
      attributes,
      0,
    );
    if (added !== 0) throw error(`landlock_add_rule(port ${port})`);
  }
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
