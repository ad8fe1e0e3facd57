/** How bytes move: both ways, past half-closes, and no further than a slow peer takes them. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import {
  Client,
  digest,
  drain,
  pattern,
  Relay,
  standstill,
  test,
  Upstream,
  within,
} from "./harness_test.ts";

const MIB = 1024 * 1024;
const BULK = 50 * MIB;
/**
 * What may be between two peers of which one does not read: Parley's queue of
 * 256 KiB and four socket buffers, whose sizes the kernel chooses.
 */
const BOUND = 24 * MIB;

/** A client and a server with a relay between them. */
async function pair(options?: ConstructorParameters<typeof Relay>[1]) {
  const upstream = new Upstream();
  const relay = new Relay(upstream.address, options);
  const client = await relay.connect();
  const server = await upstream.take();
  return {
    client,
    server,
    relay,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      upstream[Symbol.dispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

/** Writes the bulk, and counts what the socket took. */
function pump(to: Client) {
  const progress = { sent: 0 };
  const done = (async () => {
    for (const bytes of pattern(BULK)) {
      await to.send(bytes);
      progress.sent += bytes.length;
    }
    await to.shut();
  })();
  return { progress, done };
}

test("bytes pass both ways, in turns", async () => {
  await using it = await pair();
  for (const word of ["one", "two", "three"]) {
    await it.client.send(word);
    assertEquals(await it.server.read(word.length), word);
    await it.server.send(word.toUpperCase());
    assertEquals(await it.client.read(word.length), word.toUpperCase());
  }
});

test("a client that has shut its writing still gets a late reply", async () => {
  await using it = await pair();
  await it.client.send("question");
  await it.client.shut();
  assertEquals(await it.server.rest(), "question");
  await it.server.send("a late ");
  await it.server.send("reply");
  await it.server.shut();
  assertEquals(await it.client.rest(), "a late reply");
  assertEquals((await it.relay.endings.take("the end")).end, "closed");
});

test("a server that has shut its writing first is still sent requests", async () => {
  await using it = await pair();
  await it.server.send("goodbye");
  await it.server.shut();
  assertEquals(await it.client.rest(), "goodbye");
  await it.client.send("still ");
  await it.client.send("talking");
  await it.client.shut();
  assertEquals(await it.server.rest(), "still talking");
  assertEquals((await it.relay.endings.take("the end")).end, "closed");
});

test("a stream without a byte ends on both sides", async () => {
  await using it = await pair();
  await it.client.shut();
  assertEquals(await it.server.rest(), "");
  await it.server.shut();
  assertEquals(await it.client.rest(), "");
  assertEquals((await it.relay.endings.take("the end")).end, "closed");
});

for (
  const { name, from, to, reply } of [
    {
      name: "a server that does not read blocks its client",
      from: "client",
      to: "server",
      reply: 0,
    },
    {
      name: "a client that does not read blocks its server",
      from: "server",
      to: "client",
      reply: 1,
    },
  ] as const
) {
  test(`${name}, and then gets every byte`, async () => {
    await using it = await pair();
    const { progress, done } = pump(it[from]);
    const blocked = await standstill(() => progress.sent);
    assert(blocked < BOUND, `${blocked} bytes were taken of a deaf peer`);
    assert(it.relay.fed[reply] <= blocked + 64 * 1024);
    const got = await drain(it[to].conn);
    await within("the writer", done);
    assertEquals(got, {
      total: BULK,
      digest: digest(pattern(BULK)),
      last: "end",
    });
  });
}

test("an echo of bulk arrives whole while both sides write", async () => {
  await using it = await pair();
  const echoed = it.server.conn.readable.pipeTo(it.server.conn.writable);
  const { done } = pump(it.client);
  assertEquals(await drain(it.client.conn), {
    total: BULK,
    digest: digest(pattern(BULK)),
    last: "end",
  });
  await within("both writers", Promise.all([done, echoed]));
});

test("a server that reads nothing until its replies are taken does not lock up both", async () => {
  await using it = await pair();
  // The client reads from the start; the server only when its own are gone.
  const requests = pump(it.client);
  const replies = (async () => {
    await pump(it.server).done;
    return await drain(it.server.conn);
  })();
  const want = {
    total: BULK,
    digest: digest(pattern(BULK)),
    last: "end",
  };
  assertEquals(await drain(it.client.conn), want);
  assertEquals(await within("the server", replies), want);
  await within("the client", requests.done);
});

test("a client that reads only when it has sent all does not lock up a server that keeps its replies", async () => {
  await using it = await pair();
  const requests = pump(it.client);
  const got = drain(it.server.conn);
  const replies = pump(it.server);
  await within("the client", requests.done);
  const want = {
    total: BULK,
    digest: digest(pattern(BULK)),
    last: "end",
  };
  assertEquals(await within("the server", got), want);
  assertEquals(await drain(it.client.conn), want);
  await within("the server's replies", replies.done);
});

test("a paused direction is not read, and goes on when the other one has moved", async () => {
  let paused = true;
  await using it = await pair({
    paused: (reply) => paused && !reply,
    feed(link, reply, bytes, end) {
      if (reply) paused = false;
      if (bytes.length > 0) link.write(reply, bytes);
      if (end) link.end(reply);
    },
  });
  await it.client.send("request");
  assertEquals(await standstill(() => it.relay.fed[0]), 0);
  await it.server.send("go");
  assertEquals(await it.client.read(2), "go");
  assertEquals(await it.server.read(7), "request");
});

test("many small writes of a session leave in their order", async () => {
  await using it = await pair({
    feed(link, reply, bytes, end) {
      for (const byte of bytes) link.write(reply, Uint8Array.of(byte));
      if (end) link.end(reply);
    },
  });
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join("");
  const sent = it.client.send(lines).then(() => it.client.shut());
  assertEquals(await it.server.rest(), lines);
  await sent;
});

test("what a session writes is copied before its buffer is used again", async () => {
  await using it = await pair({
    feed(link, reply, bytes, end) {
      const shared = bytes.slice();
      link.write(reply, shared);
      shared.fill(0x21);
      if (end) link.end(reply);
    },
  });
  await it.client.send("precious");
  assertEquals(await it.server.read(8), "precious");
});
