/**
 * One machine: a network namespace, and the programs that run in it.
 *
 * @module
 */
import { Lines } from "../e2e/lines.ts";
import { within } from "../e2e/wait.ts";
import type { Tool } from "../setup/mod.ts";

/** An address of each family. */
export interface Addresses {
  readonly v4: string;
  readonly v6: string;
}

/** What a program said and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is started. */
export interface Start {
  /** Under another user's id. */
  readonly uid?: number;
  /** What that user may do all the same. */
  readonly capability?: string;
  /** A folder that only root reaches, and where it is to be found. */
  readonly bind?: readonly [source: string, target: string];
  readonly stdin?: string;
  readonly cwd?: string | URL;
  readonly env?: Readonly<Record<string, string>>;
}

/** One machine. Programs that it runs are ended with it. */
export class Host {
  readonly #running: Running[] = [];

  constructor(
    private readonly ip: Tool,
    readonly namespace: string,
    /** Where the others reach it; the workload: on the client's side. */
    readonly address: Addresses,
  ) {}

  /** Runs a program to its end, however it ends. */
  async run(
    command: string,
    args: readonly string[],
    { stdin = "", ...start }: Start = {},
  ): Promise<Ended> {
    const child = this.#command(command, args, start, "piped").spawn();
    const writer = child.stdin.getWriter();
    const written = writer.write(new TextEncoder().encode(stdin))
      .then(() => writer.close()).catch(() => {});
    const { code, stdout, stderr } = await within(
      child.output(),
      () => `end of ${command}`,
      () => child.kill("SIGKILL"),
    );
    await written;
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /** Runs a program that must end well; what it printed. */
  async output(
    command: string,
    args: readonly string[],
    start: Start = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, args, start);
    if (code === 0) return stdout;
    throw new Error(`${command} ${args.join(" ")}: exit ${code}: ${stderr}`);
  }

  /** Starts a program that goes on. */
  spawn(
    command: string,
    args: readonly string[],
    start: Start = {},
  ): Running {
    const running = new Running(
      this.#command(command, args, start, "null").spawn(),
    );
    this.#running.push(running);
    return running;
  }

  /** Ends what runs here. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.map((running) => running.stop()));
  }

  #command(
    command: string,
    args: readonly string[],
    { uid, capability, bind, cwd, env }: Start,
    stdin: "piped" | "null",
  ): Deno.Command {
    // Entering a namespace needs root; the id is changed behind that.
    // Each program has a view of the file system of its own there.
    const view = bind ? ["sh", "-c", BIND, ...bind] : [];
    const user = uid === undefined ? [] : asUser(uid, capability);
    return new Deno.Command(this.ip.command, {
      args: [
        "netns",
        "exec",
        this.namespace,
        ...view,
        ...user,
        command,
        ...args,
      ],
      stdin,
      stdout: "piped",
      stderr: "piped",
      ...(cwd ? { cwd } : {}),
      ...(env ? { env } : {}),
    });
  }
}

const BIND = 'mount --bind "$0" "$1" && shift && exec "$@"';

/** The command that changes the user. The checkout and what is cached may be in folders that only root looks into. */
function asUser(uid: number, capability: string | undefined): string[] {
  const capabilities = ["dac_read_search", ...(capability ? [capability] : [])]
    .map((name) => `+${name}`).join(",");
  return [
    ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"],
    ...[`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`],
  ];
}

/** A program that goes on until it is stopped. */
export class Running {
  readonly #child: Deno.ChildProcess;
  readonly stdout: Lines;
  readonly stderr: Lines;
  #stopped: Promise<unknown> | undefined;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.stdout = new Lines(child.stdout);
    this.stderr = new Lines(child.stderr);
  }

  /** `ip netns exec` becomes the program, so this is the program's own. */
  get pid(): number {
    return this.#child.pid;
  }

  stop(): Promise<unknown> {
    return this.#stopped ??= this.#stop();
  }

  #stop(): Promise<unknown> {
    const kill = (signal: Deno.Signal) => {
      try {
        this.#child.kill(signal);
      } catch { /* it has ended */ }
    };
    kill("SIGTERM");
    return within(
      Promise.all([this.#child.status, this.stdout.done, this.stderr.done]),
      () => "end of a program",
      () => kill("SIGKILL"),
    );
  }
}
