/** Listening: addresses of every kind, what cannot be bound, and what is left behind. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { ParleyError } from "parley/proxylib";
import {
  descriptors,
  noneLeft,
  Relay,
  test,
  Upstream,
} from "./harness_test.ts";
import { type Address, formatAddress } from "./transport.ts";

const NOWHERE: Address = { transport: "tcp", hostname: "127.0.0.1", port: 1 };

for (
  const { address, text } of [
    {
      address: { transport: "tcp", hostname: "10.0.0.1", port: 80 },
      text: "10.0.0.1:80",
    },
    {
      address: { transport: "tcp", hostname: "::1", port: 80 },
      text: "[::1]:80",
    },
    {
      address: { transport: "tcp", hostname: "db.example", port: 80 },
      text: "db.example:80",
    },
    {
      address: { transport: "unix", path: "/run/x.sock" },
      text: "unix:/run/x.sock",
    },
  ] as const
) {
  test(`formatAddress() writes ${text}`, () => {
    assertEquals(formatAddress(address), text);
  });
}

test("port 0 binds a free port, and the listener knows it", async () => {
  await using relay = new Relay(NOWHERE);
  const { address } = relay.listener;
  assert(address.transport === "tcp" && address.port > 0);
});

test("an address in use is the operator's error, with the address", async () => {
  await using relay = new Relay(NOWHERE);
  assertThrows(
    () => new Relay(NOWHERE, { listen: relay.listener.address }),
    (error: unknown) => {
      assert(error instanceof ParleyError);
      assertEquals(error.fault.blame, "operator");
      assertEquals(error.fault.where, formatAddress(relay.listener.address));
      assert(/in use/i.test(error.fault.found), error.fault.found);
      return true;
    },
  );
});

for (
  const listen of [
    { transport: "tcp", hostname: "192.0.2.1", port: 0 },
    { transport: "unix", path: "/tmp/parley.sock" },
  ] as const
) {
  test(`listening at ${formatAddress(listen)} is refused`, () => {
    assertThrows(() => new Relay(NOWHERE, { listen }), ParleyError);
  });
}

test("a Unix socket can be the upstream", async () => {
  const folder = await Deno.makeTempDir();
  {
    using upstream = new Upstream({ path: `${folder}/up.sock` });
    await using relay = new Relay(upstream.address);
    using client = await relay.connect();
    await client.send("over a path");
    await client.shut();
    const server = await upstream.take();
    assertEquals(await server.rest(), "over a path");
    await server.send("and back");
    await server.shut();
    assertEquals(await client.rest(), "and back");
    assertEquals((await relay.endings.take("the end")).end, "closed");
  }
  await Deno.remove(folder, { recursive: true });
});

const ipv6 = hasIpv6();

test({
  name: ipv6
    ? "IPv6 loopback listens"
    : "IPv6 loopback listens (skipped: this machine has none)",
  ignore: !ipv6,
  async fn() {
    using upstream = new Upstream();
    const listen = { transport: "tcp", hostname: "::1", port: 0 } as const;
    await using relay = new Relay(upstream.address, { listen });
    assert(formatAddress(relay.listener.address).startsWith("[::1]:"));
    using client = await relay.connect();
    await client.send("six");
    assertEquals(await (await upstream.take()).read(3), "six");
  },
});

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

test({
  name: "500 quick connections leave no descriptor behind",
  ignore: Deno.build.os !== "linux", // descriptors are counted in /proc
  async fn() {
    const before = descriptors();
    {
      using upstream = new Upstream();
      await using relay = new Relay(upstream.address);
      const serve = (async () => {
        for (let i = 0; i < 500; i++) {
          const server = await upstream.take();
          await server.send(await server.rest());
          await server.shut();
          server.conn.close();
        }
      })();
      for (let i = 0; i < 500; i += 25) {
        await Promise.all(Array.from({ length: 25 }, async (_, j) => {
          using client = await relay.connect();
          await client.send(`quick ${i + j}`);
          await client.shut();
          assertEquals(await client.rest(), `quick ${i + j}`);
        }));
      }
      await serve;
      for (let i = 0; i < 500; i++) {
        assertEquals((await relay.endings.take("an end")).end, "closed");
      }
      assertEquals(relay.listener.connections, 0);
    }
    await noneLeft(before);
  },
});

test({
  name: "connections that fail to reach their upstream leave no descriptor",
  ignore: Deno.build.os !== "linux", // descriptors are counted in /proc
  async fn() {
    const before = descriptors();
    {
      await using relay = new Relay(NOWHERE);
      for (let i = 0; i < 50; i++) {
        using client = await relay.connect();
        await client.rest();
        client.conn.close();
        await relay.endings.take("the end");
      }
    }
    await noneLeft(before);
  },
});

test("a listener that was stopped can be bound again at once", async () => {
  const first = new Relay(NOWHERE);
  const listen = first.listener.address;
  await first[Symbol.asyncDispose]();
  await using _second = new Relay(NOWHERE, { listen });
});
