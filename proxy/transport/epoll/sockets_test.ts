/** What is set on sockets, asked of the system itself; and failures in its words. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { ParleyError } from "parley/proxylib";
import {
  EADDRNOTAVAIL,
  ECONNREFUSED,
  ENOENT,
  SystemError,
} from "../../linux/errno.ts";
import { openLibc } from "../../linux/libc.ts";
import type { Address } from "../transport.ts";
import { Sockets } from "./sockets.ts";

const ignore = Deno.build.os !== "linux";
const SYMBOLS = {
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
} as const;

const [SOL_SOCKET, IPPROTO_TCP] = [1, 6];
/** Level, number and value, as socket(7) and tcp(7) name them. */
const TUNED: readonly (readonly [string, number, number, number])[] = [
  ["TCP_NODELAY", IPPROTO_TCP, 1, 1],
  ["SO_KEEPALIVE", SOL_SOCKET, 9, 1],
  ["TCP_KEEPIDLE", IPPROTO_TCP, 4, 60],
  ["TCP_KEEPINTVL", IPPROTO_TCP, 5, 15],
  ["TCP_KEEPCNT", IPPROTO_TCP, 6, 4],
  ["TCP_USER_TIMEOUT", IPPROTO_TCP, 18, 60_000],
];
const REUSEADDR = ["SO_REUSEADDR", SOL_SOCKET, 2, 1] as const;
const [F_GETFD, FD_CLOEXEC, F_GETFL, O_NONBLOCK] = [1, 1, 3, 0o4000];
const POLLIN = 1;
const POLLOUT = 4;

/** Sockets of this process, closed with their block. */
class World implements Disposable {
  readonly sockets = Sockets.open();
  readonly #libc = openLibc(SYMBOLS);
  readonly #open = new Set<number>();

  own(descriptor: number): number {
    assert(descriptor >= 0);
    this.#open.add(descriptor);
    return descriptor;
  }

  listen(hostname = "127.0.0.1"): { listener: number; address: Address } {
    const address = { transport: "tcp", hostname, port: 0 } as const;
    const listener = this.own(this.sockets.listen(address));
    const bound = this.sockets.localAddress(listener)!;
    return { listener, address: { ...address, ...bound } };
  }

  /** A connection, both of whose sockets are Parley's. */
  connected(hostname?: string): { dialled: number; accepted: number } {
    const { listener, address } = this.listen(hostname);
    const dialled = this.own(this.sockets.connect(address));
    this.wait(listener, POLLIN);
    const accepted = this.own(this.sockets.accept(listener));
    this.wait(dialled, POLLOUT);
    assertEquals(this.sockets.pendingError(dialled), 0);
    return { dialled, accepted };
  }

  close(descriptor: number): void {
    this.#open.delete(descriptor);
    this.sockets.close(descriptor);
  }

  wait(descriptor: number, events: number): void {
    const pollfd = new Int32Array([descriptor, events]);
    assertEquals(this.#libc.symbols.poll(pollfd, 1n, 60_000), 1);
  }

  option(descriptor: number, level: number, number: number): number {
    const value = new Int32Array(1);
    const length = new Int32Array([4]);
    const { getsockopt } = this.#libc.symbols;
    assertEquals(getsockopt(descriptor, level, number, value, length), 0);
    return value[0]!;
  }

  flags(descriptor: number): { cloexec: boolean; nonblocking: boolean } {
    const { fcntl } = this.#libc.symbols;
    return {
      cloexec: (fcntl(descriptor, F_GETFD, 0) & FD_CLOEXEC) !== 0,
      nonblocking: (fcntl(descriptor, F_GETFL, 0) & O_NONBLOCK) !== 0,
    };
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#open) this.sockets.close(descriptor);
    this.sockets[Symbol.dispose]();
    this.#libc.close();
  }
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

const HOSTS = ["127.0.0.1", ...(hasIpv6() ? ["::1"] : [])];

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

for (const host of HOSTS) {
  test(`${host}: the client's socket and the upstream's have every option`, (world) => {
    const pair = world.connected(host);
    for (const [side, descriptor] of Object.entries(pair)) {
      for (const [name, level, number, value] of TUNED) {
        const found = world.option(descriptor, level, number);
        assertEquals(found, value, `${name} of the ${side} one`);
      }
    }
  });

  test(`${host}: every socket is non-blocking and closed at an exec`, (world) => {
    const { listener } = world.listen(host);
    const { dialled, accepted } = world.connected(host);
    for (const descriptor of [listener, dialled, accepted]) {
      assertEquals(world.flags(descriptor), {
        cloexec: true,
        nonblocking: true,
      });
    }
  });

  test(`${host}: a listening socket may be bound again at once`, (world) => {
    const { listener } = world.listen(host);
    const [name, level, number, value] = REUSEADDR;
    assertEquals(world.option(listener, level, number), value, name);
  });
}

test("accept() of an empty queue is nothing, and not an error of its own", (world) => {
  const { listener } = world.listen();
  assertEquals(world.sockets.accept(listener), -1);
  assertMatch(world.sockets.text(world.sockets.errno), /\(os error 11\)$/);
});

test("bytes pass, and how many wait to be acknowledged is known", (world) => {
  const { dialled, accepted } = world.connected();
  const buffer = new Uint8Array(16);
  assertEquals(world.sockets.send(dialled, Uint8Array.of(1, 2, 3)), 3);
  world.wait(accepted, POLLIN);
  assertEquals(world.sockets.recv(accepted, buffer), 3);
  assertEquals([...buffer.subarray(0, 3)], [1, 2, 3]);
  assertEquals(world.sockets.recv(accepted, buffer), -1);
  assertEquals(world.sockets.shutdownWrite(dialled), true);
  world.wait(accepted, POLLIN);
  assertEquals(world.sockets.recv(accepted, buffer), 0);
  assertEquals(world.sockets.unacknowledged(accepted), 0);
});

test("writing to a reset connection is an error, and no signal", (world) => {
  const { dialled, accepted } = world.connected();
  world.sockets.resetOnClose(accepted);
  world.close(accepted);
  world.wait(dialled, POLLIN);
  const ECONNRESET = 104;
  assertEquals(world.sockets.pendingError(dialled), ECONNRESET);
  assertEquals(world.sockets.send(dialled, Uint8Array.of(1)), -1);
});

const DIALS: readonly {
  readonly name: string;
  readonly address: Address;
  readonly errno: number;
}[] = [
  {
    name: "a Unix socket that is not there",
    address: { transport: "unix", path: "/nowhere/x.sock" },
    errno: ENOENT,
  },
  {
    name: "a Unix path that is too long",
    address: { transport: "unix", path: `/${"x".repeat(200)}` },
    errno: ENOENT,
  },
  {
    name: "a name",
    address: { transport: "tcp", hostname: "db.example", port: 1 },
    errno: ENOENT,
  },
];

for (const { name, address, errno } of DIALS) {
  test(`connect() to ${name} fails at once, as a SystemError`, (world) => {
    assertThrows(
      () => world.sockets.connect(address),
      (error: unknown) =>
        error instanceof SystemError && error.errno === errno &&
        error.call === "connect",
    );
  });
}

test("connect() to where nobody listens leaves the system's number", (world) => {
  const nobody = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = nobody.addr as Deno.NetAddr;
  nobody.close();
  const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  try {
    const dialled = world.own(world.sockets.connect(address));
    world.wait(dialled, POLLOUT);
    assertEquals(world.sockets.pendingError(dialled), ECONNREFUSED);
  } catch (error) { // loopback may refuse at once
    assert(error instanceof SystemError, `${error}`);
    assertEquals(error.errno, ECONNREFUSED);
  }
});

test("listen() at an address of another machine says so, and what to do", (world) => {
  const address = { transport: "tcp", hostname: "192.0.2.1", port: 0 } as const;
  assertThrows(() => world.sockets.listen(address), (error: unknown) => {
    assert(error instanceof ParleyError);
    assert(error.cause instanceof SystemError);
    assertEquals(error.cause.errno, EADDRNOTAVAIL);
    assertEquals(error.fault.where, "192.0.2.1:0");
    assertMatch(error.message, /bind: .* \(os error 99\); choose an address/);
    return true;
  });
});
