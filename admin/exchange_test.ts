/** Answers that have no end, and clients that have no words. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  rejects as assertRejects,
} from "node:assert/strict";
import { Exchange, type Patience, type Server } from "./exchange.ts";

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const admit = () => Promise.resolve();

/** A listener of one client, which is answered by `handle`. */
async function withExchange(
  handle: Server["handle"],
  test: (client: Deno.Conn, exchange: Exchange) => Promise<void>,
  startStream: Server["startStream"] = () => true,
  patience?: Patience,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [client, conn] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  const exchange = new Exchange(conn, { handle, admit, startStream }, patience);
  const ended = exchange.run().finally(() => conn.close());
  try {
    await test(client, exchange);
  } finally {
    try {
      client.close();
    } catch { /* the test has closed it */ }
    await ended;
  }
}

async function say(client: Deno.Conn, method = "GET"): Promise<void> {
  const text = `${method} / HTTP/1.1\r\nhost: x\r\n\r\n`;
  await client.write(new TextEncoder().encode(text));
}

async function readSome(client: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  const read = await client.read(buffer);
  return read === null ? "" : decode(buffer.subarray(0, read));
}

async function readAll(client: Deno.Conn): Promise<string> {
  let text = "";
  for (let more = "…"; more !== "";) text += more = await readSome(client);
  return text;
}

/** Events that a test sends when it likes, and whether their reader has left. */
function events() {
  const left = Promise.withResolvers<void>();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
    cancel: () => left.resolve(),
  });
  const response = () =>
    new Response(body, { headers: { "content-type": "text/event-stream" } });
  return {
    left: left.promise,
    response,
    send: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
  };
}

Deno.test("events are written as they come, until they end", async () => {
  const source = events();
  await withExchange(
    () => Promise.resolve(source.response()),
    async (client) => {
      await say(client);
      const head = await readSome(client);
      assertMatch(head, /^HTTP\/1.1 200 OK\r\ncontent-type: text\/event-/);
      assertMatch(head, /\r\nconnection: close\r\n\r\n$/);
      assertEquals(head.includes("content-length"), false);
      for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
        source.send(event);
        assertEquals(await readSome(client), event);
      }
      source.end();
      assertEquals(await readAll(client), "");
    },
  );
});

for (const how of ["closes", "says more"] as const) {
  Deno.test(`a reader that ${how} ends its stream, also while nothing comes`, async () => {
    const source = events();
    await withExchange(
      () => Promise.resolve(source.response()),
      async (client) => {
        await say(client);
        await readSome(client);
        if (how === "closes") (client as Deno.TcpConn).closeWrite();
        else await say(client);
        await source.left;
        assertEquals(await readAll(client), "");
      },
    );
  });
}

Deno.test("a reader that reads nothing is left in the end", async () => {
  const left = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)),
    cancel: () => left.resolve(),
  });
  const headers = { "content-type": "text/event-stream" };
  await withExchange(
    () => Promise.resolve(new Response(body, { headers })),
    async (client) => {
      await say(client);
      await left.promise; // the kernel's buffers are full
    },
    undefined,
    { whole: 5000, prompt: 500, handled: 5000, stall: 100, rest: 50 },
  );
});

/** An operation that is not done before its request is abandoned, and then has a stream as its answer. */
function endless() {
  const source = events();
  const asked = Promise.withResolvers<void>();
  const abandoned = Promise.withResolvers<void>();
  const handle = ({ signal }: Request) => {
    asked.resolve();
    signal.addEventListener("abort", () => abandoned.resolve());
    return abandoned.promise.then(() => source.response());
  };
  return { handle, asked: asked.promise, abandoned: abandoned.promise, source };
}

Deno.test("what takes too long is answered, abandoned, and lets go of what it gets", async () => {
  const { handle, abandoned, source } = endless();
  await withExchange(
    handle,
    async (client) => {
      await say(client);
      assertMatch(
        await readAll(client),
        /^HTTP\/1.1 503 .*not done after 50 ms, .*; see what is in force/s,
      );
      await abandoned;
      await source.left;
    },
    undefined,
    { whole: 5000, prompt: 10, handled: 50, stall: 100, rest: 50 },
  );
});

Deno.test("what nobody waits for any more is abandoned", async () => {
  const { handle, asked, abandoned, source } = endless();
  await withExchange(
    handle,
    async (client) => {
      await say(client);
      await asked;
      client.close();
      await abandoned;
      await source.left;
    },
    undefined,
    { whole: 2000, prompt: 10, handled: 60_000, stall: 100, rest: 50 },
  );
});

Deno.test("who has ended its side is answered, if the answer comes soon", async () => {
  const done = Promise.withResolvers<Response>();
  await withExchange(
    () => done.promise,
    async (client) => {
      await say(client);
      (client as Deno.TcpConn).closeWrite();
      setTimeout(() => done.resolve(new Response("done")), 50);
      assertMatch(await readAll(client), /^HTTP\/1.1 200 .*done$/s);
    },
    undefined,
    { whole: 5000, prompt: 10, handled: 60_000, stall: 100, rest: 50 },
  );
});

Deno.test("HEAD of a stream has a head, and ends it", async () => {
  const source = events();
  await withExchange(
    () => Promise.resolve(source.response()),
    async (client) => {
      await say(client, "HEAD");
      assertMatch(await readAll(client), /connection: close\r\n\r\n$/);
      await source.left;
    },
  );
});

Deno.test("one stream too many is refused, and ended", async () => {
  const source = events();
  await withExchange(
    () => Promise.resolve(source.response()),
    async (client) => {
      await say(client);
      assertMatch(await readAll(client), /^HTTP\/1.1 503 .*retry-after/s);
      await source.left;
    },
    () => false,
  );
});

Deno.test("who has not said what it wants makes way, and is told", async () => {
  await withExchange(
    () => Promise.reject(new Error("it was not asked")),
    async (client, exchange) => {
      assertEquals(exchange.isReceiving, true);
      exchange.makeWay();
      assertMatch(await readAll(client), /^HTTP\/1.1 503 .*send it at once/s);
      assertEquals(exchange.isReceiving, false);
    },
  );
});

/** A request that is refused by its head; so much comes after that. */
async function sayTooMuch(client: Deno.Conn, bytes: number): Promise<void> {
  const head = `PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`;
  await client.write(new TextEncoder().encode(head));
  const body = new Uint8Array(64 * 1024);
  for (let left = bytes; left > 0;) {
    left -= await client.write(body.subarray(0, Math.min(left, body.length)));
  }
}

const never = () => Promise.reject(new Error("nobody is to be asked"));

Deno.test("a client that sends on after it was refused can send all, and has its answer", async () => {
  await withExchange(
    never,
    async (client) => {
      await sayTooMuch(client, 6 << 20); // more than the kernel takes by itself
      assertMatch(
        await readAll(client),
        /^HTTP\/1.1 413 .*send a shorter one/s,
      );
    },
    undefined,
    { whole: 60_000, prompt: 500, handled: 5000, stall: 100, rest: 60_000 },
  );
});

Deno.test("a client that was refused and neither sends nor leaves is left", async () => {
  await withExchange(
    never,
    async (client) => {
      const head =
        "PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\n";
      await client.write(new TextEncoder().encode(head));
      assertMatch(await readAll(client), /^HTTP\/1.1 413 /);
      // Its connection is closed beneath it: what it sends is answered by a reset.
      await assertRejects(async () => {
        for (;;) await client.write(new Uint8Array(1024));
      });
    },
    undefined,
    { whole: 5000, prompt: 500, handled: 5000, stall: 100, rest: 50 },
  );
});
