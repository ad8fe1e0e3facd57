/**
 * The launcher: a process that puts the kernel's walls around itself and then
 * becomes the program that they are for. It is started by `spawnSandboxed` and
 * takes one argument, a {@linkcode Launch} as JSON.
 *
 * It is a program of its own because Landlock binds a thread and what it
 * becomes: set inside the running program it would leave out the threads that
 * the runtime started before.
 *
 * @module
 */
import { openLibc } from "../linux/libc.ts";
import {
  become,
  blockGroupSignals,
  dieWithParent,
  EXEC_SYMBOLS,
  gainNoPrivileges,
  keepOnly,
} from "./exec.ts";
import { LANDLOCK_SYMBOLS, type PathRule, restrict } from "./landlock.ts";
import { missingFlag } from "./missing.ts";

/** What the launcher is told. */
export interface Launch {
  /** The process that the program must not outlive. */
  readonly parent: number;
  readonly program: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Files and folders to read. What is not there is left out. */
  readonly read: readonly string[];
  readonly connect: readonly number[] | "any";
  readonly bind: readonly number[] | "any";
  /** Descriptors for the program. */
  readonly inherit: readonly number[];
}

/** Beside its libraries, what a program needs to start; see ld.so(8), random(4), proc(5). */
const SYSTEM_FILES = [
  "/dev/urandom",
  "/dev/random",
  "/etc/ld.so.cache",
  "/etc/ld.so.preload",
  "/etc/ld-musl-x86_64.path",
  "/etc/ld-musl-aarch64.path",
  "/etc/localtime", // the time zone of what is logged
  "/proc/meminfo", // how large a heap may grow by default
  "/sys/devices/system/cpu/online", // how many threads to start
  "/proc/self", // its limits, its memory map: the C library asks for them
];

function launch(plan: Launch): never {
  const libc = openLibc({ ...EXEC_SYMBOLS, ...LANDLOCK_SYMBOLS });
  if (!dieWithParent(libc, plan.parent)) Deno.exit(0);
  blockGroupSignals(libc);
  gainNoPrivileges(libc);
  const files = [
    ...[...plan.read, ...SYSTEM_FILES].flatMap((path) => rule(path, "read")),
    ...[plan.program, ...libraries()].flatMap((path) => rule(path, "run")),
    ...rule("/dev/null", "write"),
  ];
  const { connect, bind } = plan;
  const missing = restrict(libc, { files, connect, bind });
  keepOnly(libc, plan.inherit);
  const argv = [...plan.argv, ...missingFlag("landlock", missing)];
  return become(libc, plan.program, argv, plan.environment);
}

/** A rule for a path; none if nothing is there. */
function rule(path: string, use: PathRule["use"]): PathRule[] {
  try {
    return [{ path, folder: Deno.statSync(path).isDirectory, use }];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The dynamic loader and the shared libraries of this program, which is the one it becomes. */
function libraries(): string[] {
  const maps = Deno.readTextFileSync("/proc/self/maps");
  return [...new Set(maps.match(/(?<=\s)\/.*\.so\b.*$/gm))];
}

launch(JSON.parse(Deno.args[0]!));
