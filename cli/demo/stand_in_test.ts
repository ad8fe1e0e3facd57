/**
 * The stand-in answers as memcached does, as far as the tour asks. Where
 * memcached is installed it is asked the same.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Client } from "./client.ts";
import { cutMemcache } from "./replies.ts";
import { type LocalServer, startStandIn } from "./stand_in.ts";
import { startCache } from "./upstream.ts";

const CASES: readonly { name: string; send: string; want: string[] }[] = [
  {
    name: "stores and reads",
    send: "set a 5 0 2\r\nhi\r\nget a\r\n",
    want: ["STORED\r\n", "VALUE a 5 2\r\nhi\r\nEND\r\n"],
  },
  {
    name: "reads several keys, and leaves out those that are not there",
    send: "set a 0 0 1\r\n1\r\nset b 0 0 1\r\n2\r\nget a none b\r\n",
    want: [
      "STORED\r\n",
      "STORED\r\n",
      "VALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\n",
    ],
  },
  {
    name: "takes a value that looks like the end of a reply",
    send: "set a 0 0 7\r\n\r\nEND\r\n\r\nget a\r\n",
    want: ["STORED\r\n", "VALUE a 0 7\r\n\r\nEND\r\n\r\nEND\r\n"],
  },
  {
    name: "ends a line at a bare LF",
    send: "get none\nflush_all\r\n",
    want: ["END\r\n", "OK\r\n"],
  },
  {
    name: "reads the body of a refused line as commands",
    send: "set a x 0 11\r\nflush_all\r\n\r\n",
    want: ["CLIENT_ERROR bad command line format\r\n", "OK\r\n", "ERROR\r\n"],
  },
  {
    name: "deletes and touches what is there",
    send:
      "set a 0 0 1\r\n1\r\ntouch a 60\r\ndelete a\r\ndelete a\r\ntouch a 60\r\n",
    want: [
      "STORED\r\n",
      "TOUCHED\r\n",
      "DELETED\r\n",
      "NOT_FOUND\r\n",
      "NOT_FOUND\r\n",
    ],
  },
  {
    name: "refuses what it does not know",
    send: "get\r\nfrobnicate\r\nset a 0 0\r\n",
    want: ["ERROR\r\n", "ERROR\r\n", "ERROR\r\n"],
  },
];

for (const { name, send, want } of CASES) {
  Deno.test(`stand-in ${name}`, async () => {
    assertEquals(await converse(startStandIn(), send, want.length), want);
  });
}

Deno.test("stand-in answers alike byte by byte", async () => {
  const { send, want } = CASES[0]!;
  const server = startStandIn();
  const client = await Client.connect({ port: server.port, cut: cutMemcache });
  for (const byte of send) client.send(byte);
  assertEquals(await client.receive(want.length), want);
  client.leave();
  await server.close();
});

Deno.test("stand-in counts flushes", async () => {
  const [, stats] = await converse(startStandIn(), "flush_all\r\nstats\r\n", 2);
  assertEquals(/^STAT cmd_flush 1\r$/m.test(stats!), true);
});

Deno.test("stand-in hangs up at quit", async () => {
  const server = startStandIn();
  const client = await Client.connect({ port: server.port, cut: cutMemcache });
  client.send("quit\r\n");
  assertEquals(await client.replyOrClose(), "closed");
  client.leave();
  await server.close();
});

Deno.test("memcached, where it is installed, answers as the stand-in does", async (t) => {
  for (const { name, send, want } of CASES) {
    const cache = await startCache();
    if (cache.standsIn !== undefined) {
      await t.step({ name: cache.standsIn, ignore: true, fn() {} });
      return await cache.close();
    }
    await t.step(name, async () => {
      assertEquals(await converse(cache, send, want.length), want);
    });
  }
});

async function converse(
  server: LocalServer,
  send: string,
  replies: number,
): Promise<string[]> {
  try {
    const client = await Client.connect({
      port: server.port,
      cut: cutMemcache,
    });
    client.send(send);
    const received = await client.receive(replies);
    client.leave();
    return received;
  } finally {
    await server.close();
  }
}
