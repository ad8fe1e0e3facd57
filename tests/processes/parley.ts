/**
 * `parley run` as a tree of processes: a supervisor, its data workers and its
 * checkers, found in the system's own tables.
 *
 * @module
 */
import { AccessLog } from "../e2e/access_log.ts";
import { Lines } from "../e2e/lines.ts";
import { poll, within } from "../e2e/wait.ts";
import { Wire } from "../e2e/wire.ts";
import { childrenOf, faultsOfChildren, send, stop } from "./system.ts";

export {
  clientsOf,
  descriptorsOf,
  gone,
  isAlive,
  send,
  stop,
  stopped,
} from "./system.ts";

const ROOT = new URL("../../", import.meta.url);

/** The kernel's processes are what these tests are about. */
export const ignore = Deno.build.os !== "linux";

/** What a sidecar is started with. */
export interface Options {
  /** parley.yaml, complete but for what is the same in all tests. */
  readonly config: Config;
  /** Texts by file name. */
  readonly parsers?: Readonly<Record<string, string>>;
  readonly policies?: Readonly<Record<string, string>>;
  /** Beside what the test's own environment has. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that becomes the program that it is given. */
  readonly around?: readonly string[];
  /** Permissions of the runtime, for tests of what is missing. */
  readonly permissions?: readonly string[];
}

export type Config = Readonly<Record<string, unknown>> & {
  readonly listeners: readonly Listener[];
};

/** A listener of parley.yaml; its port is free unless `listen` says one. */
export interface Listener {
  readonly name: string;
  readonly upstream: string;
  readonly listen?: string;
  readonly [key: string]: unknown;
}

/** How a command ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How a sidecar that did not stay ended. */
export interface Refusal {
  readonly code: number;
  readonly said: string;
}

const LISTENER = /listener (\S+) (?:\(\w+\) )?at 127\.0\.0\.1:(\d+)/;

/** A running sidecar. */
export class Parley implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly folder: string;
  /** What it tells its operator, and what it writes on standard output. */
  readonly said: Lines;
  readonly printed: Lines;
  readonly log: AccessLog;
  #status: Promise<Deno.CommandStatus> | undefined;

  private constructor(
    child: Deno.ChildProcess,
    said: Lines,
    printed: Lines,
    folder: string,
  ) {
    this.#child = child;
    this.said = said;
    this.printed = printed;
    this.folder = folder;
    this.log = new AccessLog(`${folder}/access.log`);
  }

  /** Started, and listening. */
  static async start(options: Options): Promise<Parley> {
    const parley = await Parley.#spawn(options);
    try {
      for (const { name } of options.config.listeners) await parley.port(name);
      return parley;
    } catch (error) {
      parley.signal("SIGKILL");
      await parley[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Started, and ended by itself. */
  static async refused(options: Options): Promise<Refusal> {
    await using parley = await Parley.#spawn(options);
    const { code } = await parley.ended();
    return { code, said: parley.said.all().join("\n") };
  }

  static async #spawn(options: Options): Promise<Parley> {
    const folder = await Deno.makeTempDir({ prefix: "parley-processes-" });
    const { config, parsers = {}, policies = {} } = options;
    const { around = [], permissions = ["-P"], environment } = options;
    await Deno.mkdir(`${folder}/parsers`);
    await Deno.mkdir(`${folder}/policies`);
    await save(folder, "parley.yaml", textOf(config));
    for (const [name, text] of Object.entries(policies)) {
      await save(`${folder}/policies`, name, text);
    }
    for (const [name, text] of Object.entries(parsers)) {
      await save(`${folder}/parsers`, name, text);
    }
    const [command, ...args] = [
      ...around,
      ...[Deno.execPath(), "run", "-q", "--no-prompt", ...permissions],
      ...["main.ts", "run", "-c", `${folder}/parley.yaml`],
    ];
    const child = new Deno.Command(command!, {
      args,
      cwd: ROOT,
      // Its admin socket is found by whoever has this folder, and by nobody else.
      env: { NO_COLOR: "1", XDG_RUNTIME_DIR: folder, ...environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const [said, printed] = [new Lines(child.stderr), new Lines(child.stdout)];
    return new Parley(child, said, printed, folder);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The port of a listener, by what was said of it last from a line on. */
  async port(name: string, from = 0): Promise<number> {
    const line = await this.said.until(
      (line) => LISTENER.exec(line)?.[1] === name,
      `line about listener ${name}`,
      from,
    );
    return Number(LISTENER.exec(line)![2]);
  }

  async connect(name: string): Promise<Wire> {
    return Wire.connect(await this.port(name));
  }

  /** Until it says something that it did not say before `from`. */
  until(text: RegExp, from = 0): Promise<string> {
    return this.said.until((line) => text.test(line), String(text), from);
  }

  /** Processes of its data workers that are there now, those that just start too. */
  workers(): Promise<number[]> {
    return childrenOf(this.pid, "/worker/main.ts");
  }

  /**
   * Waits until its data workers are these alone: one that stands by, as it does
   * where the machine was slow for a moment, is given up when nobody needs it.
   */
  async onlyWorkers(pids: readonly number[]): Promise<void> {
    const wanted = pids.toSorted().join();
    let found = "";
    await poll(async () => {
      found = (await this.workers()).toSorted().join();
      return found === wanted ? true : undefined;
    }, () => `time with the workers ${wanted} alone (${found})`);
  }

  checkers(): Promise<number[]> {
    return childrenOf(this.pid, "/checker/main.ts");
  }

  /** The process that speaks DNS, once it is there. */
  dns(): Promise<number> {
    return poll(
      async () => (await childrenOf(this.pid, "/dns/main.ts"))[0],
      () => "process for DNS",
    );
  }

  /** Processes that read the configuration again. */
  readers(): Promise<number[]> {
    return childrenOf(this.pid, "/read_config.ts");
  }

  /** All processes that it has started and that are there now. */
  children(): Promise<number[]> {
    return childrenOf(this.pid, "");
  }

  /** Changes something, and waits until a checker has judged it and ended. */
  async judged(change: () => Promise<void>): Promise<void> {
    // A checker that came and went between two looks has left its traces, too.
    const before = await faultsOfChildren(this.pid);
    await change();
    await poll(
      async () => await faultsOfChildren(this.pid) > before || undefined,
      () => "end of the checker",
    );
  }

  /** Waits for so many workers that can be told from those given. */
  async freshWorkers(
    count: number,
    known: readonly number[] = [],
  ): Promise<number[]> {
    return await poll(async () => {
      const fresh = (await this.workers()).filter((pid) =>
        !known.includes(pid)
      );
      return fresh.length >= count ? fresh : undefined;
    }, () => `${count} new workers`);
  }

  /** Writes another configuration, whole. */
  configure(config: Config): Promise<void> {
    return this.write(textOf(config));
  }

  write(text: string): Promise<void> {
    return save(this.folder, "parley.yaml", text);
  }

  saveParser(name: string, text: string): Promise<void> {
    return save(`${this.folder}/parsers`, name, text);
  }

  savePolicy(name: string, text: string | Uint8Array): Promise<void> {
    return save(`${this.folder}/policies`, name, text);
  }

  /** The path of its admin socket, where the configuration has none. */
  get adminSocket(): string {
    return `${this.folder}/parley/${this.pid}.sock`;
  }

  /** Runs `parley ARGS` as its user. */
  async run(...args: string[]): Promise<Ran> {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", "-P", "main.ts", ...args],
      cwd: ROOT,
      env: {
        NO_COLOR: "1",
        XDG_RUNTIME_DIR: this.folder,
        TMPDIR: this.folder,
      },
      stdin: "null",
    });
    const { code, stdout, stderr } = await command.output();
    const text = new TextDecoder();
    return { code, out: text.decode(stdout), err: text.decode(stderr) };
  }

  signal(signal: Deno.Signal): void {
    send(this.pid, signal);
  }

  /** Once it is gone, and all that it said is there. */
  async ended(): Promise<Deno.CommandStatus> {
    this.#status ??= within(
      this.#child.status,
      () => "end of the sidecar",
      () => send(this.pid, "SIGKILL"),
    );
    const status = await this.#status;
    await Promise.all([this.said.done, this.printed.done]);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#status) this.signal("SIGTERM");
    await this.ended();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function textOf({ listeners, ...rest }: Config): string {
  const { limits, ...more } = rest as { limits?: object };
  return JSON.stringify({
    endpoint: { name: "guarded-0", labels: { app: "guarded" } },
    parsers: { folders: ["parsers/"] },
    accessLog: { file: "access.log" },
    limits: { drain: "100ms", ...limits },
    ...more,
    listeners: listeners.map((listener) => ({
      listen: "127.0.0.1:0",
      ...listener,
    })),
  });
}

async function save(
  folder: string,
  name: string,
  text: string | Uint8Array,
): Promise<void> {
  const draft = `${folder}/.${name}.draft`;
  if (typeof text === "string") await Deno.writeTextFile(draft, text);
  else await Deno.writeFile(draft, text);
  await Deno.rename(draft, `${folder}/${name}`);
}

/** Opens so many connections at each worker, each of which has answered: the others stand still meanwhile. */
export async function connectionsOfEach(
  parley: Parley,
  workers: readonly number[],
  { count = 2, first = "hello\n" } = {},
): Promise<Map<number, Wire[]>> {
  const byWorker = new Map<number, Wire[]>();
  for (const worker of workers) {
    const others = workers.filter((pid) => pid !== worker);
    await Promise.all(others.map(stop));
    try {
      const wires = await Promise.all(
        Array.from({ length: count }, () => parley.connect("a")),
      );
      byWorker.set(worker, wires);
      await Promise.all(wires.map((wire) => wire.ask(first, "\n")));
    } finally {
      for (const other of others) send(other, "SIGCONT");
    }
  }
  return byWorker;
}
