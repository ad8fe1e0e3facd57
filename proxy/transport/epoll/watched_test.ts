/** What the kernel is asked to watch, as it lists that itself: proc(5), fdinfo of an epoll instance. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  Client,
  descriptors,
  LOOPBACK,
  noneLeft,
  pattern,
  standstill,
  Upstream,
} from "../harness_test.ts";
import { EpollTransport } from "./epoll.ts";
import {
  EPOLLEXCLUSIVE,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
} from "../../linux/epoll_event.ts";
import { Loop } from "./loop.ts";
import { Sockets } from "./sockets.ts";

const ignore = Deno.build.os !== "linux";
const MIB = 1 << 20;
/** Always told, asked for or not. */
const EPOLLERR_HUP = 0x18;

function epollInstances(): string[] {
  return [...Deno.readDirSync("/proc/self/fd")].flatMap(({ name }) => {
    try {
      const link = Deno.readLinkSync(`/proc/self/fd/${name}`);
      return link === "anon_inode:[eventpoll]" ? [name] : [];
    } catch {
      return []; // the listing's own
    }
  });
}

/** A relay, and the watched descriptors of its loop with their masks. */
class Watched implements AsyncDisposable {
  readonly #before = epollInstances();
  readonly #loop = Loop.open();
  readonly #instance = epollInstances()
    .find((name) => !this.#before.includes(name))!;
  readonly #sockets = Sockets.open();
  readonly #run: Promise<void>;
  readonly #listener;
  #isOver = false;
  /** Bytes that came of the server. */
  replied = 0;

  constructor(upstream: Upstream) {
    const transport = new EpollTransport(this.#loop, this.#sockets, () => {});
    this.#listener = transport.listen(
      LOOPBACK,
      { connect: 5000, idle: 60_000 },
      (_, link) => ({
        upstream: upstream.address,
        session: {
          answers: false,
          reader: undefined,
          feed: (reply, bytes, end) => {
            if (reply) this.replied += bytes.length;
            link.write(reply, bytes);
            if (end) link.end(reply);
          },
          paused: () => false,
          closed: () => {},
        },
      }),
    );
    this.#run = this.#loop.runBeside(() => this.#isOver);
  }

  async connect(): Promise<Client> {
    const { port } = this.#listener.address as { port: number };
    return new Client(await Deno.connect({ port, hostname: "127.0.0.1" }));
  }

  /** The masks in the order of the descriptors' numbers: listener, client, upstream. */
  masks(): number[] {
    const info = Deno.readTextFileSync(`/proc/self/fdinfo/${this.#instance}`);
    return [...info.matchAll(/^tfd:\s*(\d+) events:\s*([0-9a-f]+)/gm)]
      .sort((a, b) => Number(a[1]) - Number(b[1]))
      .map(([, , events]) => Number.parseInt(events!, 16) & ~EPOLLERR_HUP);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.stop();
    this.#listener.abort("drained");
    await this.#listener.finished;
    this.#isOver = true;
    await this.#run;
    this.#loop[Symbol.dispose]();
    this.#sockets[Symbol.dispose]();
  }
}

const READS = EPOLLIN | EPOLLRDHUP;
const LISTENS = EPOLLIN | EPOLLEXCLUSIVE;

Deno.test({
  name:
    "room to write is waited for only while bytes wait, and a side is read only while the other takes them",
  ignore,
  async fn() {
    const before = descriptors();
    {
      using upstream = new Upstream();
      await using relay = new Watched(upstream);
      assertEquals(relay.masks(), [LISTENS]);
      using client = await relay.connect();
      using server = await upstream.take();
      await client.send("a");
      await server.read(1);
      await server.send("b");
      await client.read(1);
      assertEquals(relay.masks(), [LISTENS, READS, READS], "bytes have passed");

      const total = 64 * MIB;
      const sent = (async () => {
        for (const bytes of pattern(total)) await server.send(bytes);
      })();
      const held = await standstill(() => relay.replied);
      assertEquals(held < total, true);
      assertEquals(
        relay.masks(),
        [LISTENS, READS | EPOLLOUT, 0],
        "the client does not read",
      );

      await Promise.all([sent, client.read(total)]);
      assertEquals(
        relay.masks(),
        [LISTENS, READS, READS],
        "the client has read",
      );

      await client.shut();
      assertEquals(await server.rest(), "");
      await standstill(() => 0);
      const [, down] = relay.masks();
      assertEquals(down! & EPOLLIN, 0, "a side that has ended is not read");
      await server.send("c");
      await client.read(1);
    }
    await noneLeft(before);
  },
});
