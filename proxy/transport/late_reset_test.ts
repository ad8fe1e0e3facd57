/** A server that has said all and is gone, while its client still sends: the client is told, and nothing waits for ever. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import {
  Client,
  kind,
  Relay,
  resettable,
  test,
  Upstream,
  within,
} from "./harness_test.ts";

/** Sends until the other side does not take it any more. */
async function sendInVain(client: Client): Promise<void> {
  const piece = new Uint8Array(64 * 1024);
  const send = async () => {
    try {
      for (;;) await client.send(piece);
    } catch { /* told at last */ }
  };
  await within("the client is told that nobody takes its bytes", send());
}

test("a client that sends on to a server that has closed is reset", async () => {
  using upstream = new Upstream();
  await using relay = new Relay(upstream.address);
  using client = await relay.connect();
  const server = await upstream.take();
  await client.send("hello");
  assertEquals(await server.read(5), "hello");
  server.conn.close(); // all was read: a proper end
  assertEquals(await client.rest(), "");
  await sendInVain(client);
  const { end } = await relay.endings.take("the end");
  if (kind.resets) assertEquals(end, "upstream-reset");
  assertEquals(relay.listener.connections, 0);
});

test("a server that ends properly and is reset while requests wait for it leaves nothing", async () => {
  const closing = Promise.withResolvers<() => void>();
  await using server = await resettable((socket) => {
    socket.pause(); // reads nothing
    socket.end("all that it says");
    closing.resolve(() => socket.resetAndDestroy());
  });
  await using relay = new Relay(server.address);
  using client = await relay.connect();
  const sent = sendInVain(client);
  assertEquals(await client.read(16), "all that it says");
  (await closing.promise)();
  await sent;
  const { end } = await relay.endings.take("the end");
  assert(end === "upstream-reset" || !kind.resets, end);
  assertEquals(relay.listener.connections, 0);
});
