/** Events of both sides in one turn of the loop, in an order of the test's own. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { descriptors, LOOPBACK } from "../harness_test.ts";
import type { Address } from "../transport.ts";
import { EpollTransport } from "./epoll.ts";
import { Loop } from "./loop.ts";
import { Sockets } from "./sockets.ts";

const ignore = Deno.build.os !== "linux";
const BYTES = new Uint8Array(1000).fill(7);

/** A relay whose peers are sockets of this thread: nothing moves but when the test says so. */
class World implements Disposable {
  readonly loop = Loop.open();
  readonly sockets = Sockets.open();
  readonly warnings: string[] = [];
  readonly endings: (string | undefined)[] = [];
  readonly fed: [number, number] = [0, 0];
  readonly #upstream = this.sockets.listen(LOOPBACK);
  readonly #listener;
  readonly client: number;
  readonly server: number;

  constructor() {
    const transport = new EpollTransport(
      this.loop,
      this.sockets,
      (message) => this.warnings.push(message),
    );
    const upstream: Address = {
      transport: "tcp",
      ...this.sockets.localAddress(this.#upstream)!,
    };
    this.#listener = transport.listen(
      LOOPBACK,
      { connect: 5000, idle: 60_000 },
      (_, link) => ({
        upstream,
        session: {
          answers: false,
          reader: undefined,
          feed: (reply, bytes, end) => {
            this.fed[reply ? 1 : 0] += bytes.length;
            link.write(reply, bytes);
            if (end) link.end(reply);
          },
          paused: () => false,
          closed: (end) => this.endings.push(end),
        },
      }),
    );
    this.client = this.sockets.connect(this.#listener.address);
    let server = -1;
    this.until(() => (server = this.sockets.accept(this.#upstream)) >= 0);
    this.server = server;
    this.sockets.send(this.client, BYTES);
    this.until(() => this.fed[0] === BYTES.length);
    this.sockets.send(this.server, BYTES);
    this.until(() => this.fed[1] === BYTES.length);
  }

  /** Turns the loop until it is over. */
  until(isOver: () => boolean): void {
    let isLate = false;
    const late = {
      deadline: this.loop.now + 60_000,
      slot: undefined,
      expire: () => isLate = true,
    };
    this.loop.timers.add(late);
    this.loop.run(() => {
      assert(!isLate, `late; warned: ${this.warnings}`);
      return isOver();
    });
    this.loop.timers.remove(late);
  }

  reset(descriptor: number): void {
    this.sockets.resetOnClose(descriptor);
    this.sockets.close(descriptor);
  }

  get connections(): number {
    return this.#listener.connections;
  }

  [Symbol.dispose](): void {
    this.#listener.stop();
    this.#listener.abort("drained");
    this.sockets.close(this.#upstream);
    this.loop[Symbol.dispose]();
    this.sockets[Symbol.dispose]();
  }
}

/** What both peers do before the loop turns again, and what comes of it. */
const TURNS: readonly {
  readonly name: string;
  /** Any of these: the kernel decides whose event comes first. */
  readonly ends: readonly string[];
  /** Peers that are still to be closed. */
  readonly open?: readonly ("client" | "server")[];
  act(world: World): void;
}[] = [
  {
    name: "a reply, and the client's reset",
    ends: ["client-reset"],
    open: ["server"],
    act(world) {
      world.sockets.send(world.server, BYTES);
      world.reset(world.client);
    },
  },
  {
    name: "a reply and its end, and the client's reset",
    ends: ["client-reset"],
    open: ["server"],
    act(world) {
      world.sockets.send(world.server, BYTES);
      world.sockets.shutdownWrite(world.server);
      world.reset(world.client);
    },
  },
  {
    name: "a request, and the server's reset",
    ends: ["upstream-reset"],
    open: ["client"],
    act(world) {
      world.sockets.send(world.client, BYTES);
      world.reset(world.server);
    },
  },
  {
    name: "the resets of both",
    ends: ["client-reset", "upstream-reset"],
    act(world) {
      world.reset(world.client);
      world.reset(world.server);
    },
  },
  {
    name: "the ends of both",
    ends: ["closed"],
    open: ["client", "server"],
    act(world) {
      world.sockets.shutdownWrite(world.server);
      world.sockets.shutdownWrite(world.client);
    },
  },
];

for (const { name, ends, open = [], act } of TURNS) {
  Deno.test({
    name: `in one turn, ${name}: the connection ends once, as ${
      ends.join(" or ")
    }, and no defect is told`,
    ignore,
    fn() {
      const before = descriptors();
      {
        using world = new World();
        act(world);
        world.until(() => world.connections === 0);
        assertEquals(world.warnings, []);
        assertEquals(world.endings.length, 1, `${world.endings}`);
        assert(ends.includes(world.endings[0]!), `${world.endings}`);
        for (const peer of open) world.sockets.close(world[peer]);
      }
      assertEquals(descriptors(), before);
    },
  });
}
