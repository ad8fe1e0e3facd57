/** Many descriptors, one thread. */
import {
  deepStrictEqual as assertEquals,
  throws as assertThrows,
} from "node:assert/strict";
import { Channel, CHANNEL_SYMBOLS, openPair } from "./channel.ts";
import { SystemError } from "./errno.ts";
import { openLibc } from "./libc.ts";
import { Readiness } from "./readiness.ts";

const ignore = Deno.build.os !== "linux";
/** Three times as many as the runtime has threads for blocking calls. */
const MANY = 96;
const BYTE = new Uint8Array([1]);

/** Pairs of connected sockets, closed with their block. */
class Pairs implements Disposable {
  readonly libc = openLibc(CHANNEL_SYMBOLS);
  readonly readiness = new Readiness();
  readonly #open = new Set<Channel>();

  pair(): { readonly near: Channel; readonly far: Channel } {
    const { own, child } = openPair(this.libc);
    const near = new Channel(this.libc, own);
    const far = new Channel(this.libc, child);
    this.#open.add(near).add(far);
    return { near, far };
  }

  close(channel: Channel): void {
    if (this.#open.delete(channel)) channel.close();
  }

  [Symbol.dispose](): void {
    for (const channel of [...this.#open]) this.close(channel);
    this.readiness.close();
    this.libc.close();
  }
}

/** Registers a test that must not leave a descriptor behind. */
function test(name: string, fn: (pairs: Pairs) => Promise<void>): void {
  Deno.test({
    name: `readiness: ${name}`,
    ignore,
    async fn() {
      const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
      const before = count();
      {
        using pairs = new Pairs();
        await fn(pairs);
      }
      assertEquals(count(), before);
    },
  });
}

/** What has resolved of them by the time that a last one has. */
async function settled(
  promises: Record<string, Promise<void>>,
  last: Promise<void>,
): Promise<string[]> {
  const names: string[] = [];
  for (const [name, promise] of Object.entries(promises)) {
    void promise.then(() => names.push(name));
  }
  await last;
  return names;
}

/** Writes until there is no room. */
function fill(channel: Channel): void {
  const bytes = new Uint8Array(1 << 16);
  while (channel.send(bytes) > 0);
}

/** Reads all that is there. */
function drain(channel: Channel): void {
  for (;;) {
    const received = channel.receive(false);
    if (received === "nothing-yet" || !received) return;
  }
}

test("more descriptors are waited for than the runtime has threads", async (pairs) => {
  const all = Array.from({ length: MANY }, () => pairs.pair());
  const waiting = all.map(({ near }) => pairs.readiness.readable(near.fd));
  for (const { far } of all.reverse()) far.send(BYTE);
  await Promise.all(waiting);
});

test("who has nothing to read goes on waiting", async (pairs) => {
  const [one, two] = [pairs.pair(), pairs.pair()];
  const second = pairs.readiness.readable(two.near.fd);
  const first = pairs.readiness.readable(one.near.fd);
  one.far.send(BYTE);
  assertEquals(await settled({ second }, first), []);
  two.far.send(BYTE);
  await second;
});

test("what was not read is told of again", async (pairs) => {
  const { near, far } = pairs.pair();
  far.send(BYTE);
  await pairs.readiness.readable(near.fd);
  await pairs.readiness.readable(near.fd);
  drain(near);
  const again = pairs.readiness.readable(near.fd);
  far.send(BYTE);
  await again;
});

test("one that can be written to is told of at once, a full one when there is room", async (pairs) => {
  const { near, far } = pairs.pair();
  await pairs.readiness.writable(near.fd);
  fill(near);
  const room = pairs.readiness.writable(near.fd);
  const other = pairs.pair();
  assertEquals(
    await settled({ room }, pairs.readiness.writable(other.near.fd)),
    [],
  );
  drain(far);
  await room;
});

test("reading and writing are waited for apart", async (pairs) => {
  const { near, far } = pairs.pair();
  fill(near);
  const readable = pairs.readiness.readable(near.fd);
  const writable = pairs.readiness.writable(near.fd);
  far.send(BYTE);
  assertEquals(await settled({ writable }, readable), []);
  drain(far);
  await writable;
});

test("the end of the peer ends all waiting", async (pairs) => {
  const { near, far } = pairs.pair();
  fill(near);
  const waiting = [
    pairs.readiness.readable(near.fd),
    pairs.readiness.writable(near.fd),
  ];
  pairs.close(far);
  await Promise.all(waiting);
});

test("a number that was closed and is used again is another descriptor", async (pairs) => {
  const old = pairs.pair();
  old.far.send(BYTE);
  await pairs.readiness.readable(old.near.fd);
  const { fd } = old.near;
  pairs.close(old.near);
  let { near, far } = pairs.pair();
  while (near.fd < fd) ({ near, far } = pairs.pair());
  assertEquals(near.fd, fd);
  const waiting = pairs.readiness.readable(near.fd);
  far.send(BYTE);
  await waiting;
});

test("what is no descriptor is an error, and nobody waits for it", async (pairs) => {
  assertThrows(() => pairs.readiness.readable(1 << 20), SystemError);
  await pairs.readiness.writable(pairs.pair().near.fd);
});
