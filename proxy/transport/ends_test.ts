/** How connections end, and that the end of one is nobody else's. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { connect, type Socket } from "node:net";
import {
  Client,
  drain,
  type Feed,
  kind,
  Mailbox,
  passing,
  pattern,
  Relay,
  resettable,
  standstill,
  test,
  Upstream,
  within,
} from "./harness_test.ts";
import type { Address } from "./transport.ts";
import { poll } from "../../tests/e2e/wait.ts";

const MIB = 1024 * 1024;
const SHORT = 80;

/** An address where nobody listens. */
function nobody(): Address {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { ...(listener.addr as Deno.NetAddr), transport: "tcp" };
}

/** A client that can reset its connection. */
async function resettingClient(relay: Relay): Promise<Socket> {
  const { hostname, port } = relay.address;
  const socket = connect(port, hostname!);
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return socket;
}

/** How a stream that has no more bytes ends. */
async function lastOf({ conn }: Client): Promise<"end" | "reset"> {
  const { total, last } = await drain(conn);
  assertEquals(total, 0);
  return last;
}

/** Proves that a connection through a relay still works, both ways. */
async function stillTalks(client: Client, server: Client): Promise<void> {
  await client.send("ping");
  assertEquals(await server.read(4), "ping");
  await server.send("pong");
  assertEquals(await client.read(4), "pong");
}

test("an upstream where nobody listens ends the connection with the system's words", async () => {
  const upstream = nobody();
  await using relay = new Relay(upstream);
  using client = await relay.connect();
  assertEquals(await client.rest(), "");
  client.conn.close();
  const { end, detail } = await relay.endings.take("the end");
  assertEquals(end, "upstream-unreachable");
  assert(upstream.transport === "tcp");
  assertMatch(detail!, new RegExp(`^127.0.0.1:${upstream.port}: .*refused`));
});

test("a Unix socket that is not there ends the connection with the system's words", async () => {
  await using relay = new Relay({ transport: "unix", path: "/nowhere/x.sock" });
  using client = await relay.connect();
  assertEquals(await client.rest(), "");
  client.conn.close();
  const { end, detail } = await relay.endings.take("the end");
  assertEquals(end, "upstream-unreachable");
  assertMatch(detail!, /^unix:\/nowhere\/x.sock: .*[Nn]o such file/);
});

/** Whether the kernel has sent a second SYN to a port, as none answered the first (proc_net(5)). */
function asksAgain(port: number): boolean {
  const table = Deno.readTextFileSync("/proc/net/tcp");
  return table.trim().split("\n").slice(1).some((line) => {
    const [, , remote, state, , , again] = line.trim().split(/\s+/);
    return state === SYN_SENT && Number.parseInt(again!, 16) > 0 &&
      Number.parseInt(remote!.split(":")[1]!, 16) === port;
  });
}
const SYN_SENT = "02";

test({
  name: "an upstream that does not answer ends the connection at the timeout",
  ignore: Deno.build.os !== "linux", // elsewhere a full backlog refuses
  async fn() {
    // A listener that accepts nothing, with its backlog full: the kernel drops
    // the next connection attempt without a word.
    using deaf = Deno.listen({
      hostname: "127.0.0.1",
      port: 0,
      tcpBacklog: 1,
    });
    const { port } = deaf.addr as Deno.NetAddr;
    const fillers: Deno.Conn[] = [];
    for (let full = false; !full;) {
      const given = new AbortController();
      let isOpen = false;
      const dialled = Deno.connect({ port, signal: given.signal }).then(
        (filler) => isOpen = fillers.push(filler) > 0,
        () => {}, // given up
      );
      full = await poll(
        () => isOpen ? false : asksAgain(port) || undefined,
        () => "full backlog",
      );
      given.abort();
      await dialled;
    }
    try {
      const upstream = {
        transport: "tcp",
        hostname: "127.0.0.1",
        port,
      } as const;
      await using relay = new Relay(upstream, { connect: SHORT });
      using client = await relay.connect();
      await client.send("sent before anybody listens");
      assertEquals(await client.rest(), "");
      client.conn.close();
      assertEquals(await relay.endings.take("the end"), {
        end: "connect-timeout",
        detail: `127.0.0.1:${port} did not answer within ${SHORT} ms`,
      });
    } finally {
      for (const filler of fillers) filler.close();
    }
  },
});

const IDLE = 500;

/**
 * Has bytes sent all the time, well past the timeout. Whether no timeout was due
 * meanwhile, as it is on a machine that stands still; and when the last were sent.
 */
async function keepBusy(
  send: () => Promise<void>,
): Promise<{ readonly inTime: boolean; readonly last: number }> {
  const begun = performance.now();
  let [before, last] = [begun, begun];
  try {
    while (last < begun + 1300) {
      [before, last] = [last, performance.now()];
      await send();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    return { inTime: true, last };
  } catch (error) {
    if (performance.now() - before < IDLE) throw error;
    return { inTime: false, last };
  }
}

/** Registers a test that is made again when the machine stood still. */
function testInTime(name: string, fn: () => Promise<boolean>): void {
  test(name, async () => {
    await poll(async () => await fn() || undefined, () => "time without stops");
  });
}

for (const direction of ["client", "server"] as const) {
  testInTime(
    `bytes of the ${direction} alone keep a connection from being idle`,
    async () => {
      using upstream = new Upstream();
      await using relay = new Relay(upstream.address, { idle: IDLE });
      using client = await relay.connect();
      const server = await upstream.take();
      const [from, to] = direction === "client"
        ? [client, server]
        : [server, client];
      const { inTime, last } = await keepBusy(async () => {
        await from.send(".");
        assertEquals(await to.read(1), ".");
      });
      const { end } = await relay.endings.take("the end");
      assertEquals(end, "idle-timeout");
      const quiet = performance.now() - last;
      assert(!inTime || quiet >= IDLE * 0.5, "it ended while in use");
      return inTime;
    },
  );
}

testInTime(
  "bytes that a session holds back keep a connection from being idle",
  async () => {
    using upstream = new Upstream();
    await using relay = new Relay(upstream.address, { idle: IDLE, feed() {} });
    using client = await relay.connect();
    let ended = false;
    const ending = relay.endings.take("the end").finally(() => ended = true);
    const { inTime } = await keepBusy(async () => {
      assertEquals(ended, false);
      await client.send(".");
    });
    assertEquals((await ending).end, "idle-timeout");
    return inTime;
  },
);

test("abort ends every connection at once, with the given word", async () => {
  using upstream = new Upstream();
  await using relay = new Relay(upstream.address);
  using one = await relay.connect();
  using two = await relay.connect();
  const servers = [await upstream.take(), await upstream.take()];
  assertEquals(relay.listener.connections, 2);
  relay.listener.abort("drained");
  for (const peer of [one, two, ...servers]) {
    assertEquals(await peer.rest().catch(() => ""), "");
  }
  assertEquals((await relay.endings.take("the end")).end, "drained");
  assertEquals((await relay.endings.take("the end")).end, "drained");
  assertEquals(relay.listener.connections, 0);
});

test("stop refuses new connections, and finished waits for the last one", async () => {
  using upstream = new Upstream();
  await using relay = new Relay(upstream.address);
  using client = await relay.connect();
  const server = await upstream.take();
  let finished = false;
  void relay.listener.finished.then(() => finished = true);
  relay.listener.stop();
  relay.listener.stop(); // twice is once
  await stillTalks(client, server);
  const refused = await relay.connect().then(
    (late) => late.rest(),
    (error) => error,
  );
  const { ConnectionRefused, ConnectionReset } = Deno.errors;
  assert(
    refused instanceof ConnectionRefused || refused instanceof ConnectionReset,
    String(refused),
  );
  assertEquals(finished, false);
  await client.shut();
  await server.shut();
  await within("finished", relay.listener.finished);
  assertEquals((await relay.endings.take("the end")).end, "closed");
});

/** Answers the first bytes with `reply`, then refuses the connection. */
function refusing(reply: Uint8Array): Feed {
  return (link, isReply) => {
    if (isReply) return;
    for (let at = 0; at < reply.length; at += 65_536) {
      link.write(true, reply.subarray(at, at + 65_536));
    }
    link.close("refused");
  };
}

for (
  const { name, size } of [
    { name: "a short", size: 22 },
    { name: "a long", size: 8 * MIB },
  ]
) {
  test(`${name} reply before a refusal reaches a client that has more to say`, async () => {
    using upstream = new Upstream();
    const reply = new Uint8Array(size).fill(0x2e);
    await using relay = new Relay(upstream.address, { feed: refusing(reply) });
    using client = await relay.connect();
    // The socket is closed with most of this unread.
    const sent = (async () => {
      for (const bytes of pattern(64 * MIB)) await client.send(bytes);
    })().catch(() => {});
    const server = await upstream.take();
    assertEquals((await drain(client.conn)).total, size);
    client.conn.close();
    server.conn.close();
    assertEquals((await relay.endings.take("the end")).end, "refused");
    await sent;
  });
}

test("a client that takes its time with a long reply before a refusal gets all of it", async () => {
  using upstream = new Upstream();
  const reply = new Uint8Array(24 * MIB).fill(0x2e);
  await using relay = new Relay(upstream.address, { feed: refusing(reply) });
  using client = await relay.connect();
  await client.send("x");
  const server = await upstream.take();
  const buffer = new Uint8Array(MIB);
  for (let pauses = 0; pauses < 12; pauses++) {
    // Never so long that it would be taken for one that reads nothing.
    await new Promise((resolve) => setTimeout(resolve, 250));
    for (let at = 0; at < buffer.length;) {
      const read = await client.conn.read(buffer.subarray(at));
      assert(read !== null, "the end came too early");
      at += read;
    }
  }
  assertEquals((await drain(client.conn)).total, reply.length - 12 * MIB);
  client.conn.close();
  server.conn.close();
  assertEquals((await relay.endings.take("the end")).end, "refused");
});

test("what was passed before a refusal reaches the upstream, though the client is gone", async () => {
  using upstream = new Upstream();
  const passed = new Uint8Array(8 * MIB).fill(0x2e);
  await using relay = new Relay(upstream.address, {
    feed(link, reply) {
      if (reply) return;
      link.write(false, passed);
      link.close("refused");
    },
  });
  using client = await relay.connect();
  await client.send("x");
  client.conn.close();
  const server = await upstream.take();
  await server.send("a reply that nobody will read");
  assertEquals((await drain(server.conn)).total, passed.length);
  server.conn.close();
  assertEquals((await relay.endings.take("the end")).end, "refused");
});

/** How long a connection that drains passes replies. */
const DRAIN = 2000;

for (const isClosed of [true, false]) {
  const name = isClosed ? "until it is closed" : "for a while";
  testInTime(
    `a connection that drains passes replies ${name}, and reads no more of its client`,
    async () => {
      using upstream = new Upstream();
      const drained = Promise.withResolvers<void>();
      await using relay = new Relay(upstream.address, {
        feed(link, reply, bytes) {
          if (!reply) {
            link.drain("refused");
            return drained.resolve();
          }
          link.write(true, bytes);
          if (isClosed) link.close("refused");
        },
      });
      using client = await relay.connect();
      await client.send("x");
      const server = await upstream.take();
      await within("the drain", drained.promise);
      const begun = performance.now();
      await client.send("more");
      await server.send("due");
      const rest = await client.rest();
      const isLate = rest === "" && performance.now() - begun >= DRAIN;
      if (!isLate) assertEquals(rest, "due");
      assertEquals(relay.fed[0], 1);
      server.conn.close();
      client.conn.close();
      assertEquals((await relay.endings.take("the end")).end, "refused");
      return !isLate;
    },
  );
}

/** Connects and resets at once, so often that the reset comes before the accept; only another process is quick enough. */
const RESETS = `
import socket, struct, sys
for _ in range(400):
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
`;
const hasPython = await new Deno.Command("python3", { args: ["-V"] }).output()
  .then(({ success }) => success, () => false);

test({
  name:
    "clients that reset before they are taken neither slow the listener down nor fill the log" +
    (hasPython ? "" : " (skipped: python3 is not installed)"),
  ignore: !hasPython,
  async fn() {
    using upstream = new Upstream();
    await using relay = new Relay(upstream.address, { opens: () => false });
    const { hostname, port } = relay.address as Required<Deno.ConnectOptions>;
    const { success } = await new Deno.Command("python3", {
      args: ["-c", RESETS, hostname, String(port)],
    }).output();
    assertEquals(success, true);
    using last = await relay.connect();
    assertEquals(await last.rest(), "");
    assertEquals(relay.warnings, []);
  },
});

for (const when of ["opened", "fed"]) {
  test(`a session that throws when it is ${when} ends its own connection, and is reported`, async () => {
    using upstream = new Upstream();
    let throws = true;
    const fault = (now: string) => {
      if (throws && now === when) throw new Error("a defect");
    };
    await using relay = new Relay(upstream.address, {
      opens: () => {
        fault("opened");
        return true;
      },
      feed(link, reply, bytes, end) {
        fault("fed");
        passing(link, reply, bytes, end);
      },
    });
    using broken = await relay.connect();
    await broken.send("x").catch(() => {}); // may be reset already
    await broken.rest().catch(() => {});
    assertEquals(relay.warnings, [
      "a connection was ended by a defect: Error: a defect",
    ]);
    if (when === "fed") (await upstream.take()).conn.close();
    throws = false;
    using other = await relay.connect();
    await other.send("y");
    const server = await upstream.take();
    assertEquals(await server.read(1), "y");
    server.conn.close();
  });
}

test("a client that reads nothing of its refusal is let go after a while", async () => {
  using upstream = new Upstream();
  const reply = new Uint8Array(64 * MIB);
  await using relay = new Relay(upstream.address, { feed: refusing(reply) });
  using client = await relay.connect();
  await upstream.take();
  await client.send("x");
  assertEquals((await relay.endings.take("the end")).end, "refused");
});

test("a connection that is not opened is closed, and its upstream never dialled", async () => {
  using upstream = new Upstream();
  const opens = [false, true];
  await using relay = new Relay(upstream.address, {
    opens: () => opens.shift() ?? false,
  });
  using refused = await relay.connect();
  assertEquals(await refused.rest(), "");
  using client = await relay.connect();
  const server = await upstream.take(); // the first connection that came
  await stillTalks(client, server);
});

test("a reset of a client ends its connection alone", async () => {
  using upstream = new Upstream();
  await using relay = new Relay(upstream.address);
  using other = await relay.connect();
  const otherServer = await upstream.take();
  const socket = await resettingClient(relay);
  const server = await upstream.take();
  socket.write("half a requ");
  assertEquals(await server.read(11), "half a requ");
  socket.resetAndDestroy();
  const { end, detail } = await relay.endings.take("the end");
  assertEquals(end, "client-reset");
  assertMatch(detail!, /reset/i);
  const last = await lastOf(server);
  assert(last === "reset" || !kind.resets, last);
  await stillTalks(other, otherServer);
});

test("a reset of an upstream in the middle of a reply ends its connection alone", async () => {
  const sockets = new Mailbox<Socket>();
  await using server = await resettable((socket) => sockets.put(socket));
  await using relay = new Relay(server.address);
  using other = await relay.connect();
  const otherServer = await sockets.take("a socket");
  using client = await relay.connect();
  const socket = await sockets.take("a socket");
  socket.write("VALUE key 0 100\r\nhalf of i");
  assertEquals(await client.read(26), "VALUE key 0 100\r\nhalf of i");
  socket.resetAndDestroy();
  assertEquals(await lastOf(client), kind.resets ? "reset" : "end");
  client.conn.close();
  const { end, detail } = await relay.endings.take("the end");
  assertEquals(end, "upstream-reset");
  assertMatch(detail!, /reset/i);
  otherServer.write("here");
  assertEquals(await other.read(4), "here");
});

test("what an upstream sent before its reset reaches a slow client", async () => {
  const sockets = new Mailbox<Socket>();
  await using server = await resettable((socket) => sockets.put(socket));
  await using relay = new Relay(server.address);
  using client = await relay.connect();
  const socket = await sockets.take("a socket");
  for (const bytes of pattern(24 * MIB)) socket.write(bytes);
  await standstill(() => relay.fed[1]);
  socket.resetAndDestroy();
  const { total, last } = await drain(client.conn);
  assertEquals(total, relay.fed[1]);
  assertEquals(last, kind.resets ? "reset" : "end");
  client.conn.close();
  assertEquals((await relay.endings.take("the end")).end, "upstream-reset");
});

test("an upstream's last words reach a client that is still sending", async () => {
  const sockets = new Mailbox<Socket>();
  await using server = await resettable((socket) =>
    sockets.put(socket.pause())
  );
  let held = true;
  await using relay = new Relay(server.address, {
    feed: passing,
    paused: (reply) => held && reply,
  });
  using client = await relay.connect();
  const socket = await sockets.take("a socket");
  let sent = 0;
  const sending = (async () => {
    for (const bytes of pattern(64 * MIB)) {
      await client.send(bytes);
      sent += bytes.length;
    }
  })().catch(() => {});
  await standstill(() => sent);
  // "Too large", and gone with the request unread: the relay's writes fail
  // before it has read the words.
  await new Promise((resolve) => socket.write("TOO LARGE\r\n", resolve));
  socket.resetAndDestroy();
  await standstill(() => sent);
  held = false;
  relay.links[0]!.write(true, new Uint8Array(0)); // anything that moves it
  assertEquals(await client.read(11), "TOO LARGE\r\n");
  await lastOf(client); // if it is a reset, it may be the sending that is told
  client.conn.close();
  await sending;
  assertEquals((await relay.endings.take("the end")).end, "upstream-reset");
});
