/**
 * What goes wrong stays with its own connection, is said in the log in one
 * clear line, and mends itself when its cause is gone.
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok as assert,
} from "node:assert/strict";
import { memcachedServer, testWith } from "../setup/mod.ts";
import {
  encode,
  Memcached,
  poll,
  ResettingUpstream,
  Sidecar,
  Upstream,
  type Wire,
} from "./harness.ts";

const tools = { memcached: await memcachedServer() };
const MISS = "END\r\n";
const MIB = 1 << 20;
const IDLE_MS = 1000;

/** Proves that a connection works. */
async function stillWorks(wire: Wire): Promise<void> {
  assertEquals(await wire.ask("get none\r\n", "\r\n"), MISS);
}

/** `true` once nobody listens; asked until then. */
async function isRefused(sidecar: Sidecar): Promise<true | undefined> {
  try {
    (await sidecar.connect()).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    // It was in the queue that was just given up.
    if (error instanceof Deno.errors.ConnectionReset) return undefined;
    throw error;
  }
}

Deno.test("faults: an upstream that is down ends the connection that needs it, and no other", async () => {
  using upstream = new Upstream();
  await using sidecar = await Sidecar.start({
    upstream: upstream.address,
    l7proto: "memcache",
  });
  using open = await sidecar.connect();
  await open.send("get a\r\n");
  using server = await upstream.accept();
  await server.readUntil("get a\r\n");
  upstream.close();

  using late = await sidecar.connect();
  assertEquals(await late.readToEnd(), { text: "", end: "closed" });
  late.close();
  const line = await sidecar.log.closed(late);
  assertEquals(line.verdict, "error");
  assertEquals(line.reason, "upstream-unreachable");
  match(String(line.fields["status"]), /^127\.0\.0\.1:\d+: .*refused/);
  assertEquals(
    (await sidecar.log.lines({ source: late })).length,
    1,
  );

  await server.send(MISS);
  assertEquals(await open.readUntil("\r\n"), MISS);
});

Deno.test("faults: an upstream that resets inside a reply ends its connection, and no other", async () => {
  const half = "VALUE a 0 100\r\nhalf";
  await using upstream = await ResettingUpstream.start(half);
  await using sidecar = await Sidecar.start({
    upstream: upstream.address,
    l7proto: "memcache",
  });
  using other = await sidecar.connect();
  assertEquals(await other.ask("get a\r\n", "half"), half);
  using client = await sidecar.connect();
  assertEquals(await client.ask("get a\r\n", "half"), half);

  upstream.resetLast();

  assertEquals((await client.readToEnd()).text, "");
  client.close();
  const line = await sidecar.log.closed(client);
  assertEquals([line.verdict, line.reason], ["error", "upstream-reset"]);
  assertEquals(await other.ask("get b\r\n", "half"), half);
});

testWith(
  tools,
  "faults: a client that never reads costs little memory, and others go on",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
    });
    using other = await sidecar.connect();
    const value = "x".repeat(900_000);
    await other.ask(`set a 0 0 ${value.length}\r\n${value}\r\n`, "STORED\r\n");
    const large = `VALUE a 0 ${value.length}\r\n${value}\r\n${MISS}`;
    const getLarge = async () => {
      await other.send("get a\r\n");
      return await other.readBytes(large.length) === large;
    };
    for (let i = 0; i < 20; i++) assert(await getLarge());
    const before = await sidecar.memory();

    using deaf = await sidecar.connect();
    const asked = 500; // 430 MiB of replies
    await deaf.send("get a\r\n".repeat(asked));
    await sidecar.log.expect(asked, {
      type: "request",
      source: deaf,
    });
    for (let i = 0; i < 40; i++) assert(await getLarge());

    let grown = 0;
    await poll(async () => {
      assert(await getLarge()); // lets its garbage collector find something to do
      grown = await sidecar.memory() - before;
      return grown < 128 * MIB || undefined;
    }, () => `end of memory: ${Math.round(grown / MIB)} MiB more;`);
    // Nothing is lost for it, if it changes its mind.
    assertEquals(await deaf.readBytes(large.length) === large, true);
  },
);

const REFUSED: readonly {
  readonly name: string;
  readonly input: string;
  readonly reason: string;
  readonly status: RegExp;
}[] = [
  {
    name: "a TLS ClientHello",
    input: `\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03${"r".repeat(40)}`,
    reason: "tls",
    status: /terminate TLS before Parley/,
  },
  {
    name: "an endless line",
    input: `set ${"x".repeat(2 * MIB)}`,
    reason: "frame-length",
    status: /refused the request direction/,
  },
  {
    name: "an endless list of keys",
    input: `get ${"key ".repeat(MIB)}`,
    reason: "frame-length",
    status: /refused the request direction/,
  },
];
for (const { name, input, reason, status } of REFUSED) {
  testWith(
    tools,
    `faults: ${name} is refused with the reason ${reason}, and others go on`,
    async (tools) => {
      await using memcached = await Memcached.start(tools.memcached);
      await using sidecar = await Sidecar.start({
        upstream: memcached.address,
        l7proto: "memcache",
        config: { limits: { frameBytes: MIB } },
      });
      using other = await sidecar.connect();
      await stillWorks(other);

      using wire = await sidecar.connect();
      const { text } = await wire.exchange([encode(input)]);
      assertEquals(text, "");
      wire.close();

      const line = await sidecar.log.one({
        type: "connection",
        verdict: "error",
        reason,
        source: wire,
        open: true,
      });
      match(String(line.fields["status"]), status);
      await stillWorks(other);
      other.close();
      assertEquals(new Set(await memcached.commands()), new Set(["get none"]));
    },
  );
}

testWith(
  tools,
  "faults: a connection above limits.connections is refused until one is closed",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
      config: { limits: { connections: 2 } },
    });
    using first = await sidecar.connect();
    using second = await sidecar.connect();
    await stillWorks(first);
    await stillWorks(second);

    using third = await sidecar.connect();
    assertEquals((await third.readToEnd()).text, "");
    const [opened, closed] = await sidecar.log.expect(2, {
      type: "connection",
      source: third,
      verdict: "denied",
      reason: "limit",
    });
    match(String(opened!.fields["status"]), /limits\.connections \(2\)/);
    assertEquals(closed!.connection, opened!.connection);
    assert(closed!.fields["end"] !== undefined);

    await stillWorks(first);
    first.close();
    await sidecar.log.closed(first);
    using fourth = await sidecar.connect();
    await stillWorks(fourth);
    await stillWorks(second);
  },
);

testWith(
  tools,
  "faults: an idle connection is closed, one in use is not",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
      config: { limits: { idleTimeout: `${IDLE_MS}ms` } },
    });
    // On a machine that stands still for so long, a connection is idle that was to be in use.
    await poll(
      async () => await endsIdleOnly(sidecar) || undefined,
      () => "second without a standstill",
    );
  },
);

/** Whether it could be seen, and was so: the connection that is used is kept while another is closed as idle. */
async function endsIdleOnly(sidecar: Sidecar): Promise<boolean> {
  using idle = await sidecar.connect();
  using used = await sidecar.connect();
  await stillWorks(idle);
  let ended = false;
  const end = idle.readToEnd().finally(() => ended = true);
  for (let [before, last] = [0, performance.now()]; !ended;) {
    [before, last] = [last, performance.now()];
    try {
      await stillWorks(used);
    } catch (error) {
      if (performance.now() - before < IDLE_MS) throw error;
      await end;
      return false;
    }
  }
  assertEquals((await end).text, "");
  const { fields } = await sidecar.log.closed(idle);
  assertEquals(fields["end"], "idle-timeout");
  return true;
}

testWith(
  tools,
  "faults: after SIGTERM open connections may finish, new ones are refused, and the exit code is 0",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
      config: { limits: { drain: "1m" } },
    });
    using open = await sidecar.connect();
    await stillWorks(open);
    await open.send("set a 0 0 5\r\nhal");
    sidecar.signal("SIGTERM");
    await sidecar.said.until((line) => line.includes("SIGTERM"), "goodbye");
    await poll(() => isRefused(sidecar), () => "refusal of new connections");

    assertEquals(await open.ask("f.\r\n", "\r\n"), "STORED\r\n");
    await stillWorks(open);
    open.close();
    assertEquals(await sidecar.exit(), 0);
    const { verdict, fields } = await sidecar.log.closed(open);
    assertEquals([verdict, fields["end"]], ["forwarded", "closed"]);
  },
);

Deno.test("faults: SIGTERM is heard as soon as the sidecar says that it listens", async () => {
  using upstream = new Upstream();
  for (let i = 0; i < 10; i++) {
    await using sidecar = await Sidecar.start({ upstream: upstream.address });
    sidecar.signal("SIGTERM");
    assertEquals(await sidecar.exit(), 0);
  }
});

testWith(
  tools,
  "faults: a connection that does not finish within limits.drain is closed, and the exit code is 0",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
      config: { limits: { drain: "200ms" } },
    });
    using open = await sidecar.connect();
    await stillWorks(open);
    sidecar.signal("SIGTERM");
    assertEquals((await open.readToEnd()).text, "");
    assertEquals(await sidecar.exit(), 0);
    const { fields } = await sidecar.log.closed(open);
    assertEquals(fields["end"], "drained");
  },
);
