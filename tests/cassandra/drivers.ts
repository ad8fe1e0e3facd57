/**
 * The drivers that are tried, each a program of clients/ that does what the
 * README.md there says.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import {
  gocql,
  javaCassandraDriver,
  type Missing,
  pythonCassandraClient,
  type Tool,
} from "../setup/mod.ts";
import { Lines } from "../e2e/lines.ts";

/** A version of the protocol, and a compression or "". */
export type Speech = readonly [version: number, compression: string];

/** A driver, and all that it speaks. */
export interface Driver {
  readonly name: string;
  /** What runs its program. */
  readonly tool: Tool | Missing;
  /** The program, as arguments of that. */
  readonly program: readonly string[];
  readonly speeches: readonly Speech[];
}

const PLAIN: readonly Speech[] = [[3, ""], [4, ""]];
const PACKED: readonly Speech[] = [
  [4, "lz4"],
  [4, "snappy"],
  [5, ""],
  [5, "lz4"],
];

/** All of them, the tools ready where they can be had. */
export const DRIVERS: readonly Driver[] = [
  {
    name: "Python's cassandra-driver",
    tool: await pythonCassandraClient(),
    program: [path("driver.py")],
    speeches: [...PLAIN, [3, "lz4"], [3, "snappy"], ...PACKED],
  },
  {
    name: "Go's gocql",
    tool: await gocql(),
    program: [],
    speeches: [...PLAIN, ...PACKED],
  },
  {
    name: "the Java driver",
    tool: await javaCassandraDriver(),
    // It does little, and often: compiling it well does not pay.
    program: [
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      path("Driver.java"),
    ],
    speeches: [...PLAIN, ...PACKED],
  },
  {
    name: "Node's cassandra-driver",
    tool: { kind: "tool", command: Deno.execPath(), env: {} },
    program: ["run", "-q", "-A", path("driver.ts")],
    speeches: PLAIN,
  },
];

/** A driver's program at work. */
export class Client {
  readonly #child: Deno.ChildProcess;
  readonly #said: Lines;
  readonly #complaints: Promise<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#said = new Lines(child.stdout);
    this.#complaints = new Response(child.stderr).text();
  }

  /** Starts a task of the program against a port. */
  static start(
    { tool, program }: Driver,
    port: number,
    [version, compression]: Speech,
    task: "execute" | "results" | "refusals" | "reconnect",
    rows = 0,
  ): Client {
    const { command, env } = tool as Tool;
    return new Client(
      new Deno.Command(command, {
        args: [
          ...program,
          ...[String(port), String(version), compression, task, String(rows)],
        ],
        env: { ...env },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  /** Waits until it says that it is ready. */
  async ready(): Promise<void> {
    await this.#said.until((line) => line === "ready", "line that it is ready");
  }

  /** What it says once it has read these lines. @throws if it fails, in its own words */
  async answer(lines: readonly string[] = []): Promise<unknown> {
    const text = lines.map((line) => `${line}\n`);
    // If it ends before it has read them, its own words say more.
    await new Blob(text).stream().pipeTo(this.#child.stdin).catch(() => {});
    const [{ success }, complaints] = await Promise.all([
      this.#child.status,
      this.#complaints,
      this.#said.done,
    ]);
    ok(success, complaints.split("\n").slice(-15).join("\n"));
    return JSON.parse(this.#said.all().at(-1)!);
  }
}

function path(program: string): string {
  return new URL(`clients/${program}`, import.meta.url).pathname;
}
