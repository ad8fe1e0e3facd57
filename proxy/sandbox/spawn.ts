/**
 * Starts a program of ours in a process that the kernel fences in: it reads its
 * own sources and the folders it is given, writes nothing, and connects to the
 * ports it is given. See `docs/threat-model.md` for what that keeps out.
 *
 * @module
 */
import { cacheFolder, CACHES, compiledFolder, folderOf } from "./caches.ts";
import type { Launch } from "./launch.ts";

/** A program to start, and what it may reach. */
export interface SandboxOptions {
  /** The program's main module. It calls `enter()` before it loads a parser. */
  readonly entry: URL;
  readonly args: readonly string[];
  /** Folders to read beside the program's own: the parsers' snapshots. */
  readonly read: readonly string[];
  /** TCP ports to connect to. `any` where they are not known before: that wall is then missing. */
  readonly connect: readonly number[] | "any";
  /** TCP ports to bind to, 0 for one of the kernel's choice. Default: none. `any` for sockets that take the client's address. */
  readonly bind?: readonly number[] | "any";
  /** Descriptors that the program gets under their own numbers, beside 0, 1 and 2. All others are closed. */
  readonly inherit?: readonly number[];
  /** Path of the `deno.json` that stands at the root of the sources. */
  readonly config: string;
  /** Most megabytes of JavaScript heap: past it the process ends with code 133. */
  readonly heapMb?: number;
  /** The runtime's permissions. Default: those of a data worker. For tests of the kernel's walls alone. */
  readonly permissions?: readonly string[];
}

/** Parts of the source tree that run in a sandbox. Parsers come from snapshots. */
const SOURCES = ["proxy", "policy", "proxylib", "node_modules"];

export const LAUNCHER = new URL("launch.ts", import.meta.url);

/**
 * V8's own walls and limits (see `docs/threat-model.md`), and what keeps a
 * worker small: a young generation that stays in the processor's cache, and a
 * collection that the worker asks for once it is loaded.
 */
const V8_FLAGS = [
  "--expose-gc",
  "--max-semi-space-size=1",
  "--single-threaded-gc", // helpers would only take turns with the one thread that works
  "--disallow-code-generation-from-strings",
  "--enable-experimental-regexp-engine-on-excessive-backtracks",
];

/** Starts a program in the sandbox. Its standard output and error are pipes that the caller must read. */
export function spawnSandboxed(options: SandboxOptions): Deno.ChildProcess {
  const cache = cacheFolder();
  const compiled = compiledFolder(options.config);
  const isCompiled = isThere(compiled);
  const plan: Launch = {
    parent: Deno.pid,
    program: Deno.execPath(),
    argv: commandLine(options),
    environment: environment(isCompiled ? compiled : cache),
    read: [
      ...readable(options, cache),
      ...(isCompiled ? [compiled] : []),
      ...options.read,
    ],
    connect: options.connect,
    bind: options.bind ?? [],
    inherit: options.inherit ?? [],
  };
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      "--no-remote",
      `--config=${options.config}`,
      "--allow-all", // it reads its own memory map, and lasts for one call
      LAUNCHER.href,
      JSON.stringify(plan),
    ],
    clearEnv: true,
    env: environment(cache),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The program's command line, beginning with its name. */
function commandLine(options: SandboxOptions): string[] {
  const flags = [...V8_FLAGS];
  if (options.heapMb) flags.push(`--max-old-space-size=${options.heapMb}`);
  return [
    "parley-worker",
    ...runtimeArguments(options.config, flags),
    ...(options.permissions ?? permissions(options.read)),
    options.entry.href,
    ...options.args,
  ];
}

/** What the runtime runs a sandboxed program with, but for its permissions, its name and its arguments. */
export function runtimeArguments(
  config: string,
  flags: readonly string[] = V8_FLAGS,
): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    "--no-remote",
    `--config=${config}`,
    `--v8-flags=${flags.join(",")}`,
  ];
}

function isThere(folder: string): boolean {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch {
    return false; // nobody has prepared anything, or could not
  }
}

/**
 * Foreign functions cannot be allowed for the C library alone in any useful
 * sense: whoever has that can make every system call. They are revoked by
 * `enter()`, and pointers, which openLibc needs, come with the whole only.
 */
function permissions(read: readonly string[]): string[] {
  return [
    "--allow-ffi",
    ...(read.length > 0 ? [`--allow-read=${read.map(escaped).join(",")}`] : []),
  ];
}

/** A comma in a path is doubled in lists of paths. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}

function readable({ config, entry }: SandboxOptions, cache: string): string[] {
  const root = folderOf(config);
  return [
    config,
    `${root}/deno.lock`,
    ...SOURCES.map((folder) => `${root}/${folder}`),
    folderOf(decodeURIComponent(entry.pathname)),
    ...CACHES.map((folder) => `${cache}/${folder}`),
  ];
}

/** All that the program sees of our environment. */
function environment(cache: string): Record<string, string> {
  return {
    DENO_DIR: cache,
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
    MALLOC_ARENA_MAX: "1", // glibc keeps a reserve for each thread otherwise
  };
}
