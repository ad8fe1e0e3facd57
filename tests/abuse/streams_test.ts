/**
 * Thousands of connections that end in every way there is: every byte arrives
 * or its connection is reset, and nothing is left behind.
 *
 * `PARLEY_ABUSE_CONNECTIONS` says how many; the full number is 8,000.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { raiseDescriptors } from "../descriptors.ts";
import { countFrom, poll } from "../e2e/harness.ts";
import { descriptorsOf, ignore, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import {
  type Client,
  type Exchange,
  faults,
  plans,
  startClient,
  StreamServer,
} from "./streams.ts";

const CONNECTIONS = countFrom("PARLEY_ABUSE_CONNECTIONS", 400);
const MIB = 1 << 20;
/** What V8 may keep more than after a first round; buffers of each connection would be more. */
const SLACK = 48 * MIB + CONNECTIONS * 4096;

/** A sidecar before a stream server, and a connection that must go on all the time. */
class Abuse implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  server!: StreamServer;
  parley!: Parley;
  worker = 0;
  #good!: Awaited<ReturnType<Parley["connect"]>>;
  #descriptors = 0;

  static async start(): Promise<Abuse> {
    await raiseDescriptors(2 * CONNECTIONS + 1024);
    const abuse = new Abuse();
    abuse.server = await StreamServer.start();
    const lines = abuse.#stack.use(new LineServer());
    abuse.parley = abuse.#stack.use(
      await Parley.start({
        config: {
          limits: { connections: CONNECTIONS + 1000 },
          listeners: [
            { name: "a", upstream: `127.0.0.1:${abuse.server.port}` },
            { name: "good", upstream: lines.address },
          ],
        },
      }),
    );
    [abuse.worker] = await abuse.parley.freshWorkers(1) as [number];
    abuse.#good = abuse.#stack.use(await abuse.parley.connect("good"));
    await abuse.stillWorks();
    abuse.#descriptors = await descriptorsOf(abuse.worker);
    return abuse;
  }

  async stillWorks(): Promise<void> {
    assertEquals(await this.#good.ask("good\n", "\n"), "good\n");
  }

  /** Opens all, lets all go on once they are open; what became of each. */
  async run(seed: number): Promise<Exchange[]> {
    const { clients, all, go } = await this.open(seed);
    await this.stillWorks();
    await this.holdsSome();
    go();
    await this.finish(clients.map(({ client }) => client));
    await this.settled();
    return all.map((plan, i) => ({
      plan,
      client: clients[i]!.client.outcome,
      server: this.server.outcomes.get(plan.id),
    }));
  }

  async open(seed: number) {
    this.server.outcomes.clear();
    const { promise, resolve: go } = Promise.withResolvers<void>();
    const all = plans(CONNECTIONS, seed);
    const port = await this.parley.port("a");
    const clients: { client: Client }[] = [];
    for (let at = 0; at < all.length; at += 100) {
      clients.push(
        ...await Promise.all(
          all.slice(at, at + 100).map(async (plan) => ({
            client: await startClient(port, plan, promise),
          })),
        ),
      );
    }
    return { clients, all, go };
  }

  async finish(clients: readonly Client[]): Promise<void> {
    let left = clients.length;
    for (const { done } of clients) void done.then(() => left--);
    await poll(
      () => left === 0 ? true : undefined,
      () => `end of ${left} connections`,
    );
  }

  /** A client is connected before the worker has accepted it. */
  async holdsSome(): Promise<void> {
    await poll(
      async () =>
        await descriptorsOf(this.worker) > this.#descriptors ? true : undefined,
      () => `more than ${this.#descriptors} descriptors`,
    );
  }

  /** Nothing of the connections is left in the worker. */
  async settled(): Promise<void> {
    let count = 0;
    await poll(async () => {
      count = await descriptorsOf(this.worker);
      return count <= this.#descriptors ? true : undefined;
    }, () => `return to ${this.#descriptors} descriptors, ${count} are open,`);
    await poll(
      () => this.server.open === 0 ? true : undefined,
      () => `end of ${this.server.open} connections to the server`,
    );
    await this.stillWorks();
  }

  async memory(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.worker}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
  }

  /** The worker that was there at first is there still, and nothing went wrong that was not one connection's own. */
  async check(): Promise<void> {
    await this.stillWorks();
    await this.parley.onlyWorkers([this.worker]);
    const said = this.parley.said.all().filter((line) =>
      /"level":"warning"/.test(line) && !/sandbox lacks/.test(line)
    );
    assertEquals(said, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }
}

Deno.test({
  name:
    `abuse: ${CONNECTIONS} connections dropped at random phases, reset, half-closed, read late: every byte arrives or the connection is reset`,
  ignore,
  async fn() {
    await using abuse = await Abuse.start();
    let memory = 0;
    for (let round = 0; round < 3; round++) {
      const exchanges = await abuse.run(20_261_124 + round);
      const wrong = exchanges.flatMap((exchange) =>
        faults(exchange).map((fault) => {
          const { plan, client, server } = exchange;
          return `${fault}: ${JSON.stringify({ plan, client, server })}`;
        })
      );
      assertEquals(wrong.slice(0, 3), [], `${wrong.length} in all`);
      if (round === 0) {
        memory = await abuse.memory();
        // That the check can see something: all kinds of ends were seen.
        const kinds = new Set(
          exchanges.flatMap(({ client, server }) => [
            `client ${client.saw}`,
            `server ${server?.saw}`,
          ]),
        );
        for (const end of ["end", "reset"]) {
          assert(kinds.has(`client ${end}`) && kinds.has(`server ${end}`));
        }
      }
    }
    let grown = 0;
    await poll(async () => {
      await abuse.stillWorks();
      grown = await abuse.memory() - memory;
      return grown < SLACK ? true : undefined;
    }, () => `end of memory: ${Math.round(grown / MIB)} MiB more;`);
    console.log(`${Math.round(grown / MIB)} MiB more than after one round`);
    await abuse.check();
  },
});

Deno.test({
  name:
    `abuse: the upstream of ${CONNECTIONS} connections vanishes and comes back: no client sees a proper end, nothing is left, new connections work`,
  ignore,
  async fn() {
    await using abuse = await Abuse.start();
    const { clients, all, go } = await abuse.open(7);
    const { port } = abuse.server;
    const { outcomes } = abuse.server;
    await poll(
      () =>
        outcomes.size >= all.filter(({ client }) => !client.mute).length * 0.5
          ? true
          : undefined,
      () => "plans at the server",
    );
    await abuse.server.vanish();
    go();
    // Those that were never heard of may wait for an end that nobody sends.
    await abuse.finish(clients.map(({ client }) => client));
    await abuse.settled();
    const wrong = all.flatMap((plan, i) => {
      const client = clients[i]!.client.outcome;
      const server = outcomes.get(plan.id);
      if (client.wrongAt !== undefined) return ["a wrong byte"];
      const isTruncated = client.saw === "end" && server !== undefined &&
        !(client.received === server.sent && plan.server.leaves !== "reset");
      return isTruncated
        ? [`an end: ${JSON.stringify({ plan, client, server })}`]
        : [];
    });
    assertEquals(wrong.slice(0, 3), [], `${wrong.length} in all`);
    abuse.server = await StreamServer.start(port);
    const exchanges = await abuse.run(8);
    assertEquals(exchanges.flatMap(faults), []);
    await abuse.check();
  },
});
