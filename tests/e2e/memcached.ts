/**
 * A real memcached of one's own, which can be asked what it was told.
 *
 * @module
 */
import type { Tool } from "../setup/mod.ts";
import { Lines } from "./lines.ts";
import { poll, within } from "./wait.ts";
import { Wire } from "./wire.ts";

/** A memcached on a free loopback port, until it is disposed of. */
export class Memcached implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #log: Lines;
  readonly port: number;
  #markers = 0;
  /** Connections that its log opened and did not close, up to a line. */
  #open = 0;
  #counted = 0;

  private constructor(child: Deno.ChildProcess, log: Lines, port: number) {
    this.#child = child;
    this.#log = log;
    this.port = port;
  }

  /** `quiet`: it keeps no log of commands, for load. */
  static async start(
    tool: Tool,
    options: { quiet?: boolean; args?: readonly string[] } = {},
  ): Promise<Memcached> {
    const folder = await Deno.makeTempDir({ prefix: "parley-memcached-" });
    const ports = `${folder}/ports`;
    const child = new Deno.Command(tool.command, {
      args: [
        ...["-l", "127.0.0.1", "-p", "-1", "-U", "0", "-t", "1"],
        ...(Deno.uid() === 0 ? ["-u", "root"] : []),
        ...(options.quiet ? [] : ["-vv"]),
        ...(options.args ?? []),
      ],
      env: { ...tool.env, MEMCACHED_PORT_FILENAME: ports },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const log = new Lines(child.stderr);
    let ended = false;
    const end = log.done.then(() => ended = true);
    try {
      const port = await poll(
        () => ended ? 0 : portIn(ports),
        () => "listening memcached",
      );
      if (port > 0) return new Memcached(child, log, port);
      await Promise.all([child.status, end]);
      throw new Error(`memcached ended: ${log.all().slice(-3).join("\n")}`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  connect(): Promise<Wire> {
    return Wire.connect(this.port);
  }

  /** Where in its log it is now; see {@linkcode commands}. */
  get mark(): number {
    return this.#log.length;
  }

  /**
   * What it read since a mark, in order, once every connection is closed.
   * Command lines are without their values, and cut at a NUL as it cuts them. A
   * packet is a line `packet 0x` and its opcode, which may come again while the
   * rest of it is awaited, and then, for most, one like `GET` or `SET` and its key.
   */
  async commands(since = 0): Promise<string[]> {
    await this.#caughtUp();
    await this.#log.until(
      () => this.#connections() === 0,
      "end of memcached's connections",
      Math.max(0, this.#log.length - 1),
    );
    return this.#log.all(since).flatMap((line, i, lines) => {
      if (line.endsWith(PACKET)) return [`packet ${opcode(lines[i + 1]!)}`];
      const [, command] = COMMAND.exec(line) ?? DELETING.exec(line) ?? [];
      return command === undefined || command.startsWith(MARKER) ||
          HEADER.test(command)
        ? []
        : [command];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await within(
      Promise.all([this.#child.status, this.#log.done]),
      () => "end of memcached",
    );
  }

  /** Waits until the log has what the server wrote before this call. */
  async #caughtUp(): Promise<void> {
    const marker = `${MARKER}${++this.#markers}`;
    const from = this.#log.length;
    using wire = await this.connect();
    await wire.ask(`${marker}\r\n`, "END\r\n");
    await this.#log.until((line) => line.endsWith(marker), "marker", from);
  }

  #connections(): number {
    for (const line of this.#log.all(this.#counted)) {
      this.#counted++;
      if (OPENED.test(line)) this.#open++;
      else if (CLOSED.test(line)) this.#open--;
    }
    return this.#open;
  }
}

const MARKER = "get parley-harness-marker-";
const OPENED = /^<\d+ new auto-negotiating client connection$/;
const CLOSED = /^<\d+ connection closed\.$/;
const COMMAND =
  /^<\d+ (?!new auto-negotiating client|connection closed\.|server listening)(.*)$/s;
/** A packet's header follows, four bytes on a line. */
const PACKET = " Read binary protocol data:";
const HEADER = /^ {2}(?: 0x[0-9a-f]{2}){4}$/;
/** The two commands that it tells of without the connection. */
const DELETING = /^(Deleting .*|incr .* -?\d+, \d+, -?\d+)$/s;

function opcode(header: string): string {
  return header.trim().split(/ +/)[2]!;
}

/** memcached writes the file under another name and renames it. */
async function portIn(file: string): Promise<number | undefined> {
  const text = await Deno.readTextFile(file).catch(() => "");
  const [, port] = /^TCP INET: (\d+)$/m.exec(text) ?? [];
  return port === undefined ? undefined : Number(port);
}
