/**
 * The witness (witness.py) on a machine: what arrives there, and what a
 * connection from there meets.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Tool } from "../setup/mod.ts";
import type { Host, Running, Start } from "./host.ts";

const PROGRAM = fileURLToPath(new URL("witness.py", import.meta.url));

/** What a listener saw of one connection or datagram. */
export interface Seen {
  readonly peer: string;
  readonly local?: string;
  readonly original?: string | null;
  readonly text?: string;
}

/** What became of a connection: a text, or an error's name. */
export interface Dialled {
  readonly from?: string;
  readonly text?: string;
  readonly error?: string;
}

/** A listener that notes what comes. */
export class Witness {
  #taken = 0;

  private constructor(readonly process: Running) {}

  /** How it takes connections: `relay` goes on to their destination with the client's address. */
  static async start(
    python: Tool,
    host: Host,
    [address, port]: readonly [string, number],
    how: "tcp" | "udp" | "transparent" | "relay" = "tcp",
    start: Start = {},
  ): Promise<Witness> {
    const where = [address, String(port)];
    const args = how === "relay"
      ? ["relay", ...where]
      : ["listen", ...where, ...(how === "tcp" ? [] : [how])];
    const running = host.spawn(python.command, [PROGRAM, ...args], start);
    await running.stdout.until(
      (line) => line === "listening",
      `listening witness: ${running.stderr.all().join("\n")}`,
    );
    return new Witness(running);
  }

  /** The next one, which may be still to come. */
  async next(): Promise<Seen> {
    const { stdout } = this.process;
    const line = await stdout.until(() => true, "connection", ++this.#taken);
    return JSON.parse(line) as Seen;
  }

  /** Those that came and were not asked for. */
  get rest(): Seen[] {
    return this.process.stdout.all(this.#taken + 1)
      .map((line) => JSON.parse(line) as Seen);
  }
}

/** Connects, or sends a datagram. */
export async function dial(
  python: Tool,
  host: Host,
  [address, port]: readonly [string, number],
  { how, ...start }: Start & { readonly how?: "udp" | "udp-ask" } = {},
): Promise<Dialled> {
  const args = [PROGRAM, "dial", address, String(port), ...(how ? [how] : [])];
  return JSON.parse(await host.output(python.command, args, start)) as Dialled;
}

/** Connects, sends a text, and takes all that comes until the other side hangs up. */
export async function talk(
  python: Tool,
  host: Host,
  [address, port]: readonly [string, number],
  text: string,
): Promise<Dialled> {
  const args = [PROGRAM, "talk", address, String(port), text];
  return JSON.parse(await host.output(python.command, args)) as Dialled;
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`. */
export function at(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
