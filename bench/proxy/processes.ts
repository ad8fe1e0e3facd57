/**
 * Child processes, each pinned to a core. None outlives its
 * {@linkcode Processes}.
 *
 * @module
 */
import { Lines } from "../../tests/e2e/lines.ts";
import type { Tool } from "../../tests/setup/mod.ts";
import { startTime, withDescendants } from "./procfs.ts";

/** The proxy that is measured has this core for itself. */
export const PROXY_CORE = 0;
/** The load generator and the upstream share this one. */
export const LOAD_CORE = 1;

/** How long a process may take to end after SIGTERM, in ms. */
const PATIENCE_MS = 2_000;

/** What to start, and where. */
export interface Start {
  readonly tool: Tool;
  readonly args: readonly string[];
  readonly core: number;
  readonly cwd?: string;
}

/** A child that runs, and all that it started. */
export class Process implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #ended = false;
  /** Resolves when it has ended. */
  readonly end: Promise<Deno.CommandStatus>;
  readonly stdout: Lines;
  readonly stderr: Lines;

  constructor({ tool, args, core, cwd }: Start) {
    // taskset becomes the program: the id stays, and the core is inherited.
    this.#child = new Deno.Command("taskset", {
      args: ["-c", String(core), tool.command, ...args],
      env: { ...tool.env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.stdout = new Lines(this.#child.stdout);
    this.stderr = new Lines(this.#child.stderr);
    this.end = this.#child.status.finally(() => this.#ended = true);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The ids of it and its descendants. */
  get ids(): number[] {
    return this.#ended ? [] : withDescendants(this.#child.pid);
  }

  /** Ends its standard input. */
  closeInput(): Promise<void> {
    return this.#child.stdin.close().catch(() => {}); // it has ended
  }

  /** Ends it and what it started: by SIGTERM, else by SIGKILL. */
  async [Symbol.asyncDispose](): Promise<void> {
    const family = this.ids.map((id) => ({ id, born: startTime(id) }));
    const killAll = () => {
      for (const { id, born } of family) {
        signal(id, "SIGKILL", born === undefined || startTime(id) !== born);
      }
    };
    signal(this.#child.pid, "SIGTERM", this.#ended);
    const late = setTimeout(killAll, PATIENCE_MS);
    await this.end;
    clearTimeout(late);
    killAll(); // what it left behind
    await Promise.all([this.end, this.stdout.done, this.stderr.done]);
    await this.closeInput();
  }
}

/** All processes and files of a run, which end with it. */
export class Processes implements AsyncDisposable {
  readonly #running = new Set<Process>();
  /** For files; removed at the end. */
  readonly folder: string = Deno.makeTempDirSync({ prefix: "parley-bench-" });
  #closed: Promise<void> | undefined;

  /** The ids of all that run, and of their descendants. */
  get ids(): number[] {
    return [...this.#running].flatMap(({ ids }) => ids);
  }

  start(options: Start): Process {
    if (this.#closed) throw new Error("the run is over");
    const process = new Process(options);
    this.#running.add(process);
    void process.end.then(() => this.#running.delete(process));
    return process;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    await Promise.all(
      [...this.#running].map((process) => process[Symbol.asyncDispose]()),
    );
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Resolves when somebody accepts connections at a port. @throws when the process ends before */
export async function accepting(port: number, process: Process): Promise<void> {
  while (!process.ended) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await delay(2);
    }
  }
  const said = process.stderr.all().slice(-5).join("\n");
  throw new Error(`it ended before it accepted connections: ${said}`);
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function signal(id: number, name: Deno.Signal, gone: boolean): void {
  if (gone) return;
  try {
    Deno.kill(id, name);
  } catch { /* it has ended */ }
}
