/**
 * The world of the tour as its steps see it: clients of either workload, the
 * files an author saves, and what the sidecar says of it all.
 *
 * @module
 */
import type { AccessLog } from "./access_log.ts";
import { Client } from "./client.ts";
import type { Droid } from "./droid.ts";
import { type Workload, WORKLOADS } from "./files.ts";
import { cutLines, cutMemcache, type Cutter } from "./replies.ts";
import {
  build,
  type CopiedParser,
  type Messages,
  type Setting,
} from "./setting.ts";
import type { Tally } from "./traffic.ts";
import { until } from "./until.ts";
import type { Cache } from "./upstream.ts";

/** The key that the tour reads, the request that writes it, and what a get is answered. */
export const KEY = "fleet/x1";
export const SEED = `set ${KEY} 0 0 4\r\nLuke\r\n`;
export const VALUE = `VALUE ${KEY} 0 4\r\nLuke\r\nEND\r\n`;

/** Everything that a step may touch. */
export class World {
  /** Every client that came through the sidecar. */
  readonly clients: Client[] = [];
  /** What was observed of all pipelined traffic. */
  readonly tallies: Tally[] = [];
  readonly #setting: Setting;
  readonly #stack: AsyncDisposableStack;

  private constructor(setting: Setting, stack: AsyncDisposableStack) {
    this.#setting = setting;
    this.#stack = stack;
  }

  /** Makes it; what was made before a failure is taken down again. */
  static async open(isSandboxed: boolean): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const setting = await build(stack, isSandboxed);
    const world = new World(setting, stack.move());
    await world.seed();
    return world;
  }

  /** Holds the configuration, the policies, the parsers and the log. */
  get folder(): string {
    return this.#setting.folder;
  }

  /** Parsers run in processes of their own, in a sandbox. */
  get isSandboxed(): boolean {
    return this.#setting.isSandboxed;
  }

  get cache(): Cache {
    return this.#setting.cache;
  }

  get droid(): Droid {
    return this.#setting.droid;
  }

  get log(): AccessLog {
    return this.#setting.log;
  }

  get messages(): Messages {
    return this.#setting.messages;
  }

  get parser(): CopiedParser {
    return this.#setting.parser;
  }

  /** `host:port` at which the sidecar takes connections for the cache. */
  get address(): string {
    return this.#addressOf("cache");
  }
  /** A connection of a workload to the cache, through the sidecar. */
  connect(workload: Workload): Promise<Client> {
    return this.#connect("cache", workload, cutMemcache);
  }

  /** A connection to the other server, through the sidecar. */
  connectDroid(workload: Workload): Promise<Client> {
    return this.#connect("droid", workload, cutLines);
  }

  /** A connection to the cache that goes past the sidecar. */
  direct(): Promise<Client> {
    return Client.connect({ port: this.cache.port, cut: cutMemcache });
  }

  /** Puts the value back that the tour reads. */
  async seed(): Promise<void> {
    const client = await this.direct();
    await client.ask(SEED);
    client.leave();
  }

  /** Saves a file as editors do: whole, or not at all. */
  async save(path: string, text: string): Promise<void> {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const beside = `${path.slice(0, -name.length)}.${name}.new`;
    await Deno.writeTextFile(beside, text);
    await Deno.rename(beside, path);
  }

  /** Saves the parser, and waits for the sidecar to serve that: `memcache@VERSION`. */
  async change(path: string, text: string): Promise<string> {
    const known = this.messages.all.length;
    await this.save(path, text);
    return await until(
      "another version of the parser",
      () =>
        this.messages.served(known).find((parser) =>
          parser.startsWith("memcache@")
        ),
    );
  }

  /** Closes every connection and server, and removes the folder. */
  async close(): Promise<void> {
    for (const client of this.clients) client.leave();
    await this.#stack.disposeAsync();
  }

  async #connect(
    listener: string,
    workload: Workload,
    cut: Cutter,
  ): Promise<Client> {
    const port = Number(this.#addressOf(listener).split(":")[1]);
    const from = WORKLOADS[workload];
    const client = await Client.connect({ port, cut, from });
    this.clients.push(client);
    return client;
  }

  #addressOf(listener: string): string {
    return this.#setting.sidecar.listeners
      .find(({ config }) => config.name === listener)!.address;
  }
}
