/**
 * The real sidecar with some of the zoo's parsers in it, each behind a listener
 * of its own.
 *
 * @module
 */
import { poll, type Wire } from "../e2e/harness.ts";
import { clientsOf, type Config, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { type Hostility, parserText } from "./parser.ts";

/** A harmless parser: the neighbours'. */
export const NEIGHBOUR = "neighbour";

/** The ports that policies speak of: the neighbour's, then the zoo's. */
const FIRST_PORT = 1000;

/** A running sidecar, and the server behind it. */
export class Cage implements AsyncDisposable {
  readonly parley: Parley;
  readonly #server: LineServer;
  readonly #names: readonly string[];
  readonly #policy: string | undefined;

  private constructor(
    parley: Parley,
    server: LineServer,
    names: readonly string[],
    policy: string | undefined,
  ) {
    this.parley = parley;
    this.#server = server;
    this.#names = names;
    this.#policy = policy;
  }

  /**
   * @param more of the configuration
   * @param policy its text, by the names of parsers and the ports that it may speak of
   */
  static async open(
    zoo: Readonly<Record<string, Hostility>>,
    more: Omit<Config, "listeners">,
    policy?: (
      parserOf: (name: string) => string,
      portOf: (name: string) => number,
    ) => string,
  ): Promise<Cage> {
    const server = new LineServer();
    const names = Object.keys(zoo);
    const animals = Object.values(zoo).map((hostility, i) =>
      [parserName(i), parserText(hostility)] as const
    );
    const parsers = [[NEIGHBOUR, parserText({})] as const, ...animals];
    const indexOf = (name: string) => names.indexOf(name);
    const file = policy && await Deno.makeTempFile({ suffix: ".yaml" });
    if (file) {
      await Deno.writeTextFile(
        file,
        policy(
          (name) => parserName(indexOf(name)),
          (name) => FIRST_PORT + indexOf(name) + 1,
        ),
      );
    }
    try {
      const parley = await Parley.start({
        config: {
          ...more,
          ...(file ? { policies: [file] } : {}),
          listeners: parsers.map(([name], i) => ({
            name,
            port: FIRST_PORT + i,
            upstream: server.address,
            l7proto: name,
          })),
        },
        parsers: Object.fromEntries(
          parsers.map(([name, text]) => [`${name}.ts`, text]),
        ),
      });
      return new Cage(parley, server, names, file);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The parser file's name of one of the zoo. */
  parserOf(name: string): string {
    return parserName(this.#names.indexOf(name));
  }

  /** A connection that is read by this parser, on this worker. */
  async connect(parser: string, worker: number): Promise<Wire> {
    const port = await this.parley.port(parser);
    return await poll(async () => {
      // Several at a time: one alone goes to whoever is woken first.
      const wires = await Promise.all(
        Array.from({ length: 4 }, () => this.parley.connect(parser)),
      );
      const clients = await poll(async () => {
        const all = await this.#clients(port);
        return wires.every((wire) => all.has(portOf(wire))) ? all : undefined;
      }, () => "worker for each connection");
      const found = wires.find((wire) => clients.get(portOf(wire)) === worker);
      for (const wire of wires) if (wire !== found) wire.close();
      return found;
    }, () => `connection on worker process ${worker}`);
  }

  /** Which worker holds the connection of a client's port. */
  async #clients(port: number): Promise<Map<number, number>> {
    const all = new Map<number, number>();
    for (const pid of await this.parley.workers()) {
      const clients = await clientsOf(pid, port).catch(() => []);
      for (const client of clients) all.set(client, pid);
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parley[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    if (this.#policy) await Deno.remove(this.#policy);
  }
}

function parserName(index: number): string {
  return `hostile${index}`;
}

function portOf(wire: Wire): number {
  return Number(wire.address.split(":")[1]);
}

/** A client that asks and asks, until it is told to stop. */
export class Asking {
  readonly #wire: Wire;
  #isOver = false;
  readonly #asking: Promise<number>;
  /** Milliseconds that each reply took since the last lap. */
  #took: number[] = [];

  constructor(wire: Wire) {
    this.#wire = wire;
    this.#asking = this.#ask();
    this.#asking.catch(() => {}); // told by `stop`
  }

  /** How many replies came, all of them right and in order. */
  stop(): Promise<number> {
    this.#isOver = true;
    return this.#asking;
  }

  /** Resolves after some more replies. */
  async replies(count: number): Promise<void> {
    await poll(
      () => Promise.resolve(this.#took.length >= count || undefined),
      () => `${count} replies; there are ${this.#took.length}`,
    );
  }

  /** The 99th percentile of the replies since the last lap, in milliseconds. */
  lap(): number {
    const took = this.#took.sort((a, b) => a - b);
    this.#took = [];
    return took[Math.ceil(took.length * 0.99) - 1] ?? NaN;
  }

  async #ask(): Promise<number> {
    let count = 0;
    for (; !this.#isOver; count++) {
      const line = `neighbour ${count}\n`;
      const asked = performance.now();
      const reply = await this.#wire.ask(line, "\n");
      this.#took.push(performance.now() - asked);
      if (reply !== line) throw new Error(`${reply} in reply to ${line}`);
    }
    return count;
  }
}
