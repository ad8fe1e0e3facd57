/**
 * Connections that do nothing, connections that are half open and garbage leave
 * nothing behind: memory and descriptors go back to about where they were, and
 * connections that behave go on all the time.
 *
 * `PARLEY_SOAK_CONNECTIONS` and `PARLEY_SOAK_MEBIBYTES` say how much; the
 * descriptors that 8,000 connections need are asked for with `prlimit`.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { raiseDescriptors } from "../descriptors.ts";
import { Random } from "../random.ts";
import {
  countFrom,
  inLanes,
  Memcached,
  poll,
  Sidecar,
  type Wire,
} from "../e2e/harness.ts";
import { memcachedServer, testWith } from "../setup/mod.ts";

const tools = { memcached: await memcachedServer() };
const CONNECTIONS = countFrom("PARLEY_SOAK_CONNECTIONS", 400);
const MEBIBYTES = countFrom("PARLEY_SOAK_MEBIBYTES", 64);
const MIB = 1 << 20;

/**
 * How much memory may be there more than after a first round. V8 lets its heap
 * grow a little with each until it has what it wants, some 100 MiB in all; if
 * the garbage stayed, or the buffers of each connection, it would be more.
 */
const SLACK = 48 * MIB + CONNECTIONS * 4096;
/** Descriptors that may stay: those of a log file or watcher opened meanwhile. */
const SPARE_DESCRIPTORS = 4;

testWith(
  tools,
  `soak: ${CONNECTIONS} idle and ${CONNECTIONS} half-open connections leave nothing behind`,
  async ({ memcached }) => {
    await using soak = await Soak.start(memcached);
    for (let round = 0; round < 2; round++) {
      const idle = await openMany(soak.sidecar);
      const halfOpen = await openMany(soak.sidecar);
      await forAll(halfOpen, async (wire) => {
        // A request that never ends, and a client that sends no more.
        await wire.send("set a 0 0 1000\r\nbegun");
        await wire.finish();
      });
      await soak.stillWorks();
      await soak.open(CONNECTIONS);
      for (const wire of [...idle, ...halfOpen]) wire.close();
      await soak.settle(round === 0);
    }
    await soak.check();
  },
);

testWith(
  tools,
  `soak: ${MEBIBYTES} MiB of garbage leave nothing behind`,
  async ({ memcached }) => {
    await using soak = await Soak.start(memcached);
    await flood(soak, Math.min(MEBIBYTES, 128));
    await soak.settle(true);
    await flood(soak, MEBIBYTES);
    await soak.settle(false);
    await soak.check();
  },
);

/** A sidecar before a memcached, and one connection that must go on all the time. */
class Soak implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  #good!: Wire;
  sidecar!: Sidecar;
  #memory = 0;
  #descriptors = 0;

  static async start(
    memcached: Parameters<typeof Memcached.start>[0],
  ): Promise<Soak> {
    const soak = new Soak();
    await raiseDescriptors(4 * CONNECTIONS + 1024);
    const server = soak.#stack.use(
      await Memcached.start(memcached, {
        quiet: true,
        args: ["-c", String(2 * CONNECTIONS + 1024)],
      }),
    );
    soak.sidecar = soak.#stack.use(
      await Sidecar.start({
        upstream: server.address,
        l7proto: "memcache",
        config: { limits: { connections: 4 * CONNECTIONS + 100 } },
      }),
    );
    soak.#good = soak.#stack.use(await soak.sidecar.connect());
    await soak.stillWorks();
    soak.#descriptors = await soak.sidecar.descriptors();
    return soak;
  }

  /**
   * Waits until more connections than `count` are open at the same time: a client
   * is connected once it is in the listen queue, before the worker accepts it.
   */
  async open(count: number): Promise<void> {
    let now = 0;
    await poll(async () => {
      now = await this.sidecar.descriptors();
      return now > this.#descriptors + count ? true : undefined;
    }, () => `accept: ${now} descriptors, at first ${this.#descriptors};`);
  }

  async stillWorks(): Promise<void> {
    assertEquals(await this.#good.ask("get none\r\n", "\r\n"), "END\r\n");
  }

  /**
   * Waits until the descriptors are back. Memory is compared with what the first
   * round left, which also fills caches and compiles the code.
   */
  async settle(isFirst: boolean): Promise<void> {
    const most = this.#descriptors + SPARE_DESCRIPTORS;
    let count = 0;
    await poll(async () => {
      count = await this.sidecar.descriptors();
      return count <= most ? true : undefined;
    }, () => `end of descriptors: ${count}, at first ${this.#descriptors};`);
    if (isFirst) this.#memory = await this.sidecar.memory();
  }

  /** Nothing stays, and nothing went wrong that was not one connection's own. */
  async check(): Promise<void> {
    await this.stillWorks();
    let grown = 0;
    await poll(async () => {
      await this.stillWorks(); // lets its garbage collector find something to do
      grown = await this.sidecar.memory() - this.#memory;
      return grown < SLACK ? true : undefined;
    }, () => `end of memory: ${Math.round(grown / MIB)} MiB more;`);
    console.log(
      `${Math.round(grown / MIB)} MiB more than ${
        Math.round(this.#memory / MIB)
      } MiB after one round`,
    );
    const said = this.sidecar.said.all().filter((line) =>
      /uncaught|unhandled|panic|TypeError|BadResource/i.test(line)
    );
    assertEquals(said, []);
    this.sidecar.signal("SIGTERM");
    assertEquals(await this.sidecar.exit(), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Bytes of no protocol, on one connection after another as each is hung up on. */
async function flood(soak: Soak, mebibytes: number): Promise<void> {
  const lanes = 8;
  await inLanes(lanes, async (lane) => {
    const random = new Random(20_261_124 + lane);
    let left = Math.ceil(mebibytes * MIB / lanes);
    for (let round = 0; left > 0; round++) {
      const piece = garbage(random, Math.min(left, 256 * 1024));
      // Each kind goes another way: a text line, a packet, a value.
      const start = random.pick(["", "\x80", "get ", "set a 0 0 1000000\r\n"]);
      using wire = await soak.sidecar.connect();
      await wire.exchange([
        Uint8Array.from(start, (char) => char.charCodeAt(0)),
        piece,
      ]);
      left -= piece.length;
      if (lane === 0 && round % 8 === 0) await soak.stillWorks();
    }
  });
}

function garbage(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 4) {
    const number = random.below(2 ** 32);
    for (let i = 0; i < 4 && at + i < length; i++) {
      bytes[at + i] = number >>> (8 * i);
    }
  }
  return bytes;
}

async function openMany(sidecar: Sidecar): Promise<Wire[]> {
  const wires: Wire[] = [];
  while (wires.length < CONNECTIONS) {
    const count = Math.min(100, CONNECTIONS - wires.length);
    wires.push(...await inLanes(count, () => sidecar.connect()));
  }
  return wires;
}

async function forAll(
  wires: readonly Wire[],
  work: (wire: Wire) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < wires.length; at += 100) {
    await Promise.all(wires.slice(at, at + 100).map(work));
  }
}
