/** The event loop: who is told of which event, and in whose time. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { EPERM, SystemError } from "../../linux/errno.ts";
import { openLibc, SIZE } from "../../linux/libc.ts";
import {
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
} from "../../linux/epoll_event.ts";
import { Loop } from "./loop.ts";
import type { Timed } from "./timers.ts";

const ignore = Deno.build.os !== "linux";
const SYMBOLS = {
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  write: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  read: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;
const BYTE = new Uint8Array(1);
const O_NONBLOCK_CLOEXEC = 0o2004000;

/** A loop, and descriptors to watch. */
class World implements Disposable {
  readonly loop = Loop.open();
  readonly #libc = openLibc(SYMBOLS);
  readonly #open = new Set<number>();
  /** Turns that the loop has made. */
  turns = 0;

  pipe(): { readonly reads: number; readonly writes: number } {
    const [reads, writes] = this.#pair((ends) =>
      this.#libc.symbols.pipe2(ends, O_NONBLOCK_CLOEXEC)
    );
    return { reads, writes };
  }

  sockets(): { readonly one: number; readonly other: number } {
    const [one, other] = this.#pair((ends) =>
      this.#libc.symbols.socketpair(1, 1 | O_NONBLOCK_CLOEXEC, 0, ends)
    );
    return { one, other };
  }

  send(descriptor: number): void {
    assertEquals(this.#libc.symbols.write(descriptor, BYTE, 1), 1);
  }

  take(descriptor: number): void {
    assertEquals(this.#libc.symbols.read(descriptor, BYTE, 1), 1);
  }

  sendsNoMore(descriptor: number): void {
    assertEquals(this.#libc.symbols.shutdown(descriptor, 1), 0);
  }

  /** Closed by somebody else now. */
  given(descriptor: number): void {
    this.#open.delete(descriptor);
  }

  close(descriptor: number): void {
    this.#open.delete(descriptor);
    this.#libc.symbols.close(descriptor);
  }

  /** Whether the number names something. */
  isOpen(descriptor: number): boolean {
    try {
      Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
      return true;
    } catch {
      return false;
    }
  }

  /** Runs until it is over; a loop that hangs is stopped by a timer. */
  run(isOver: () => boolean): void {
    let isLate = false;
    const late = after(this.loop, 60_000, () => isLate = true);
    this.loop.run(() => {
      this.turns++;
      assert(!isLate, "the loop waited too long");
      return isOver();
    });
    this.loop.timers.remove(late);
  }

  /** One turn and no more. */
  turn(): void {
    let asked = 0;
    this.run(() => asked++ > 0);
  }

  #pair(make: (ends: Int32Array<ArrayBuffer>) => number): [number, number] {
    const ends = new Int32Array(2);
    assertEquals(make(ends), 0);
    for (const end of ends) this.#open.add(end);
    return [...ends] as [number, number];
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#open) this.#libc.symbols.close(descriptor);
    this.loop[Symbol.dispose]();
    this.#libc.close();
  }
}

function after(loop: Loop, delay: number, act: () => void): Timed {
  const timed: Timed = {
    deadline: loop.now + delay,
    slot: undefined,
    expire: act,
  };
  loop.timers.add(timed);
  return timed;
}

/** Registers a test that must not leave a descriptor behind. */
function test(name: string, fn: (world: World) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const before = descriptors();
      {
        using world = new World();
        await fn(world);
      }
      assertEquals(descriptors(), before);
    },
  });
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

test("a handler is told of its own descriptor's events alone, as often as they last", (world) => {
  const heard: [string, number][] = [];
  const pipes = ["a", "b"].map((name) => {
    const pipe = world.pipe();
    world.loop.add(pipe.reads, EPOLLIN, {
      ready: (events) => {
        heard.push([name, events]);
        if (heard.length % 2 === 0) world.take(pipe.reads);
      },
    });
    return pipe;
  });
  assertEquals(world.loop.registered, 2);
  world.send(pipes[1]!.writes);
  world.run(() => heard.length === 2);
  assertEquals(heard, [["b", EPOLLIN], ["b", EPOLLIN]]);
  for (const { reads } of pipes) world.loop.remove(reads);
  assertEquals(world.loop.registered, 0);
});

test("modify() changes what is told, remove() ends it, and a descriptor can be watched again", (world) => {
  const { one, other } = world.sockets();
  const heard: number[] = [];
  const handler = { ready: (events: number) => heard.push(events) };
  world.loop.add(one, EPOLLIN, handler);
  world.loop.modify(one, EPOLLOUT);
  world.turn();
  world.send(other);
  world.loop.modify(one, EPOLLIN | EPOLLOUT);
  world.turn();
  world.loop.remove(one);
  world.loop.remove(one);
  let ticks = 0;
  after(world.loop, 0, () => ticks++);
  world.run(() => ticks > 0);
  world.loop.add(one, EPOLLIN, handler);
  world.turn();
  world.loop.remove(one);
  assertEquals(heard, [EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN]);
});

test("a half-close and a hang-up are told apart", (world) => {
  const { one, other } = world.sockets();
  const heard: number[] = [];
  world.loop.add(one, EPOLLIN | EPOLLRDHUP, {
    ready: (events) => heard.push(events),
  });
  world.sendsNoMore(other);
  world.turn();
  world.close(other);
  world.turn();
  world.loop.remove(one);
  assertEquals(heard, [
    EPOLLIN | EPOLLRDHUP,
    EPOLLIN | EPOLLRDHUP | EPOLLHUP,
  ]);
});

test("no event of a closed descriptor reaches a later one, whatever number that has", (world) => {
  // Both are ready in the same batch; whoever is told first closes the other and opens new ones.
  const pair = [world.pipe(), world.pipe()];
  const later: number[] = [];
  let told = 0;
  let wrong = 0;
  pair.forEach(({ reads }, i) => {
    world.loop.add(reads, EPOLLIN, {
      ready() {
        told++;
        const other = pair[1 - i]!.reads;
        world.loop.close(other);
        world.given(other);
        for (let n = 0; n < 3; n++) {
          const fresh = world.pipe();
          later.push(fresh.reads, fresh.writes);
          world.loop.add(fresh.reads, EPOLLIN, { ready: () => wrong++ });
        }
        assert(
          !later.includes(other),
          "its number was given away in the batch",
        );
        world.loop.close(reads);
        world.given(reads);
      },
    });
  });
  for (const { writes } of pair) world.send(writes);
  world.turn();
  assertEquals([told, wrong], [1, 0]);
  assertEquals(pair.map(({ reads }) => world.isOpen(reads)), [false, false]);
  // Now the numbers are free, and events are the new owners'.
  const reused = world.pipe();
  assert(
    pair.some(({ reads }) => [reused.reads, reused.writes].includes(reads)),
  );
  let right = 0;
  world.loop.add(reused.reads, EPOLLIN, {
    ready() {
      right++;
      world.take(reused.reads);
    },
  });
  world.send(reused.writes);
  world.turn();
  assertEquals([right, wrong], [1, 0]);
});

test("a handler that is removed within the batch is not told any more", (world) => {
  const pair = [world.pipe(), world.pipe()];
  let told = 0;
  pair.forEach(({ reads }, i) => {
    world.loop.add(reads, EPOLLIN, {
      ready() {
        told++;
        world.loop.remove(pair[1 - i]!.reads);
      },
    });
  });
  for (const { writes } of pair) world.send(writes);
  world.turn();
  assertEquals(told, 1);
});

test("close() closes what is watched and what is not, when the turn is over", (world) => {
  const { reads, writes } = world.pipe();
  world.loop.add(reads, EPOLLIN, { ready() {} });
  world.loop.close(reads);
  world.loop.close(writes);
  world.given(reads);
  world.given(writes);
  assertEquals(world.loop.registered, 0);
  after(world.loop, 0, () => {});
  world.turn();
  assertEquals([world.isOpen(reads), world.isOpen(writes)], [false, false]);
});

test("more descriptors than fit one batch are all told, within a few turns", (world) => {
  const count = 600;
  const told = new Set<number>();
  for (let i = 0; i < count; i++) {
    const { reads, writes } = world.pipe();
    world.loop.add(reads, EPOLLIN, {
      ready() {
        world.take(reads);
        assert(!told.has(reads), "told twice of one byte");
        told.add(reads);
      },
    });
    world.send(writes);
  }
  world.run(() => told.size === count);
  assert(world.turns <= 6, `${world.turns} turns`);
});

test("timers expire while nothing happens, not before their time, in the order of time", (world) => {
  const { loop } = world;
  const expired: number[] = [];
  let zero = 0;
  after(loop, 0, () => zero = loop.now);
  world.run(() => zero > 0);
  for (const delay of [90, 10, 50]) {
    after(loop, delay, () => {
      assert(loop.now >= zero + delay);
      expired.push(delay);
    });
  }
  world.run(() => expired.length === 3);
  assertEquals(expired, [10, 50, 90]);
});

test("what came in time is told before its deadline passes, however late the loop looks", (world) => {
  const { loop } = world;
  const expired: number[] = [];
  const told: number[] = [];
  for (let i = 0; i < 600; i++) { // more than fit one batch
    const { reads, writes } = world.pipe();
    const timed = after(loop, 40, () => expired.push(reads));
    loop.add(reads, EPOLLIN, {
      ready() {
        world.take(reads);
        loop.timers.remove(timed);
        told.push(reads);
      },
    });
    world.send(writes);
  }
  // As where the machine stands still: the deadlines are long past when it goes on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
  world.run(() => told.length + expired.length === 600);
  assertEquals([told.length, expired], [600, []]);
});

test("deadlines pass though all descriptors are ready all the time", (world) => {
  const { loop } = world;
  for (let i = 0; i < 600; i++) {
    const { reads, writes } = world.pipe();
    loop.add(reads, EPOLLIN, { ready() {} });
    world.send(writes);
  }
  let expired = false;
  after(loop, 40, () => expired = true);
  world.run(() => expired);
});

test("a descriptor that cannot be watched is the system's error, and is not counted", (world) => {
  using _file = Deno.openSync(new URL(import.meta.url));
  const number = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) =>
    Number(name)
  ).find((fd) => linkOf(fd)?.endsWith("/loop_test.ts"))!;
  assertThrows(
    () => world.loop.add(number, EPOLLIN, { ready() {} }),
    (error: unknown) =>
      error instanceof SystemError && error.errno === EPERM &&
      error.call === "epoll_ctl",
  );
  assertEquals(world.loop.registered, 0);
});

function linkOf(descriptor: number): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

test("beside the runtime's loop, promises go on and events come", async (world) => {
  const { reads, writes } = world.pipe();
  const heard: number[] = [];
  world.loop.add(reads, EPOLLIN, {
    ready(events) {
      world.take(reads);
      heard.push(events);
    },
  });
  let isOver = false;
  const run = world.loop.runBeside(() => isOver);
  for (let i = 1; i <= 3; i++) {
    world.send(writes);
    while (heard.length < i) await new Promise((next) => setTimeout(next, 1));
  }
  let expired = false;
  after(world.loop, 30, () => expired = true);
  while (!expired) await new Promise((next) => setTimeout(next, 1));
  isOver = true;
  await run;
  assertEquals(heard, [EPOLLIN, EPOLLIN, EPOLLIN]);
  world.loop.remove(reads);
});
