/**
 * What the transport's tests share: real servers, clients and relays on
 * loopback. There is no test in this file.
 */
import { ok as assert } from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { poll } from "../../tests/e2e/wait.ts";
import { EpollTransport } from "./epoll/epoll.ts";
import { Loop } from "./epoll/loop.ts";
import { Sockets } from "./epoll/sockets.ts";
import { createPortableTransport } from "./portable.ts";
import type {
  Address,
  End,
  Link,
  Listener,
  Open,
  Session,
  Timeouts,
  Transport,
} from "./transport.ts";

export const LOOPBACK = {
  transport: "tcp",
  hostname: "127.0.0.1",
  port: 0,
} as const;

const text = new TextEncoder();
const DEADLINE_MS = 60_000;

/** A transport, and how to end what it runs beside the tests. */
interface UnderTest {
  readonly transport: Transport;
  close(): Promise<void>;
}

/** What a transport can do beyond what all can. */
export interface Kind {
  readonly name: "portable" | "epoll";
  /** Whether a reset is carried over to the other peer. */
  readonly resets: boolean;
  start(warn: (line: string) => void): UnderTest;
}

const KINDS: readonly Kind[] = [
  {
    name: "portable",
    resets: false,
    start: (warn) => ({
      transport: createPortableTransport(warn),
      close: () => Promise.resolve(),
    }),
  },
  { name: "epoll", resets: true, start: startEpoll },
];

function startEpoll(warn: (line: string) => void): UnderTest {
  const loop = Loop.open();
  const sockets = Sockets.open();
  let isOver = false;
  const run = loop.runBeside(() => isOver);
  return {
    transport: new EpollTransport(loop, sockets, warn),
    async close() {
      isOver = true;
      await run;
      loop[Symbol.dispose]();
      sockets[Symbol.dispose]();
    },
  };
}

/** The transport that the running test is about. */
export let kind: Kind = KINDS[0]!;
/** What is still being closed of it. */
const closings: Promise<void>[] = [];

type Definition = Omit<Deno.TestDefinition, "fn"> & {
  fn: () => void | Promise<void>;
};

/** Registers a test once for each transport. */
export function test(definition: Definition): void;
export function test(name: string, fn: () => void | Promise<void>): void;
export function test(
  first: string | Definition,
  second?: () => void | Promise<void>,
): void {
  const { name, fn, ...options }: Definition = typeof first === "string"
    ? { name: first, fn: second! }
    : first;
  for (const each of KINDS) {
    Deno.test({
      ...options,
      name: `${each.name}: ${name}`,
      ignore: options.ignore ||
        (each.name === "epoll" && Deno.build.os !== "linux"),
      async fn() {
        kind = each;
        await fn();
        await Promise.all(closings.splice(0));
      },
    });
  }
}

/** A promise that fails instead of hanging the suite. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what}: not within ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Values in the order of their coming, for those who wait for them. */
export class Mailbox<T> {
  #values: T[] = [];
  #waiting: ((value: T) => void)[] = [];

  put(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(value);
    else this.#values.push(value);
  }

  take(what: string): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    if (this.#values.length > 0) resolve(this.#values.shift()!);
    else this.#waiting.push(resolve);
    return within(what, promise);
  }
}

/** How a connection ended. */
export interface Ending {
  readonly end: End;
  readonly detail: string | undefined;
}

export type Feed = (
  link: Link,
  reply: boolean,
  bytes: Uint8Array,
  end: boolean,
) => void;

/** Passes every byte unread. */
export const passing: Feed = (link, reply, bytes, end) => {
  if (bytes.length > 0) link.write(reply, bytes);
  if (end) link.end(reply);
};

interface RelayOptions extends Partial<Timeouts> {
  readonly listen?: Address;
  readonly feed?: Feed;
  readonly paused?: (reply: boolean) => boolean;
  /** Whether a connection may open. */
  readonly opens?: () => boolean;
}

/** The transport under test, in front of a server. */
export class Relay {
  readonly #underTest: UnderTest;
  readonly listener: Listener;
  readonly endings = new Mailbox<Ending>();
  readonly warnings: string[] = [];
  /** Bytes that sessions were fed: towards the server, towards the client. */
  readonly fed: [number, number] = [0, 0];
  readonly links: Link[] = [];

  constructor(upstream: Address, options: RelayOptions = {}) {
    const { connect = 5000, idle = 60_000, listen = LOOPBACK } = options;
    const open: Open = (_accepted, link) => {
      this.links.push(link);
      if (options.opens?.() === false) return undefined;
      return { session: this.#session(link, options), upstream };
    };
    this.#underTest = kind.start((line) => this.warnings.push(line));
    try {
      this.listener = this.#underTest.transport
        .listen(listen, { connect, idle }, open);
    } catch (error) {
      closings.push(this.#underTest.close());
      throw error;
    }
  }

  #session(
    link: Link,
    { feed = passing, paused }: RelayOptions,
  ): Session {
    return {
      answers: false,
      reader: undefined,
      feed: (reply, bytes, end) => {
        this.fed[reply ? 1 : 0] += bytes.length;
        feed(link, reply, bytes, end);
      },
      paused: (reply) => paused?.(reply) ?? false,
      closed: (end, detail) => this.endings.put({ end, detail }),
    };
  }

  get address(): Deno.ConnectOptions {
    const { address } = this.listener;
    assert(address.transport === "tcp");
    return { hostname: address.hostname, port: address.port };
  }

  async connect(): Promise<Client> {
    return new Client(await Deno.connect(this.address));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listener.stop();
    this.listener.abort("drained");
    await within("the listener finishes", this.listener.finished);
    await this.#underTest.close();
  }
}

/** One end of a real connection. */
export class Client {
  constructor(readonly conn: Deno.Conn) {}

  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? text.encode(data) : data;
    for (let at = 0; at < bytes.length;) {
      at += await this.conn.write(bytes.subarray(at));
    }
  }

  /** Sends no more. */
  shut(): Promise<void> {
    return (this.conn as Deno.TcpConn).closeWrite();
  }

  /** Reads exactly as many bytes. */
  async read(count: number): Promise<string> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const read = await within(
        `${count} bytes`,
        this.conn.read(bytes.subarray(at)),
      );
      assert(read !== null, `end of stream after ${at} of ${count} bytes`);
      at += read;
    }
    return new TextDecoder().decode(bytes);
  }

  /** Reads to the end of the stream. */
  async rest(): Promise<string> {
    return await within("the end of the stream", readText(this.conn));
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch { /* closed by the test */ }
  }
}

async function readText(conn: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  let all = "";
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const read = await conn.read(buffer);
    if (read === null) return all;
    all += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
}

/** A server whose connections the test takes one by one. */
export class Upstream {
  readonly #listener: Deno.Listener;
  readonly #taken: Client[] = [];

  constructor(options: Deno.UnixListenOptions | undefined = undefined) {
    this.#listener = options
      ? Deno.listen({ ...options, transport: "unix" })
      : Deno.listen({ hostname: "127.0.0.1", port: 0 });
  }

  get address(): Address {
    const { addr } = this.#listener;
    return addr.transport === "unix"
      ? { transport: "unix", path: addr.path }
      : { ...(addr as Deno.NetAddr), transport: "tcp" };
  }

  async take(): Promise<Client> {
    const conn = await within("a connection", this.#listener.accept());
    const client = new Client(conn);
    this.#taken.push(client);
    return client;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const client of this.#taken) client[Symbol.dispose]();
  }
}

/** A server whose connections can be reset, which `Deno.Conn` cannot. */
export async function resettable(
  onSocket: (socket: Socket) => void,
): Promise<{ address: Address } & AsyncDisposable> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  const { port } = server.address() as { port: number };
  return {
    address: { transport: "tcp", hostname: "127.0.0.1", port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bytes in pieces that differ, so that one lost or swapped is noticed. */
export function* pattern(total: number, piece = 64 * 1024) {
  for (let sent = 0, turn = 0; sent < total; turn++) {
    const bytes = new Uint8Array(Math.min(piece, total - sent));
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = ((i + turn) * 131 + (i >> 8) + turn) % 251;
    }
    sent += bytes.length;
    yield bytes;
  }
}

export function digest(chunks: Iterable<Uint8Array>): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** What a stream brought. */
interface Drained {
  readonly total: number;
  readonly digest: string;
  readonly last: "end" | "reset";
}

/** Reads to the end, or to the reset. */
export async function drain(conn: Deno.Conn): Promise<Drained> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(256 * 1024);
  const over = (total: number, last: "end" | "reset") => {
    return { total, digest: hash.digest("hex"), last };
  };
  for (let total = 0;;) {
    let read: number | null;
    try {
      read = await within("a read", conn.read(buffer));
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) {
        return over(total, "reset");
      }
      throw error;
    }
    if (read === null) return over(total, "end");
    hash.update(buffer.subarray(0, read));
    total += read;
  }
}

/**
 * Waits until a counter stands still: the only way to see that somebody is
 * blocked. It is a measurement; nothing that must happen is awaited by it.
 */
export async function standstill(counter: () => number): Promise<number> {
  for (let before = -1, still = 0; still < 4;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = counter();
    still = now === before ? still + 1 : 0;
    before = now;
  }
  return counter();
}

/** Open descriptors of this process. */
export function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Until no more of them are open than before: the runtime closes some in a later turn. */
export async function noneLeft(before: number): Promise<void> {
  await poll(
    () => descriptors() <= before || undefined,
    () => `return to ${before} descriptors, ${descriptors()} are open,`,
  );
}
