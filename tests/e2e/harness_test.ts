import { deepStrictEqual as assertEquals, rejects } from "node:assert/strict";
import { memcachedServer, testWith } from "../setup/mod.ts";
import {
  AccessLog,
  cut,
  decode,
  encode,
  Memcached,
  Sidecar,
} from "./harness.ts";

const tools = { memcached: await memcachedServer() };

testWith(tools, "harness: memcached says what it was told", async (tools) => {
  await using memcached = await Memcached.start(tools.memcached);
  using wire = await memcached.connect();
  await wire.ask("set a 0 0 5\r\nget b\r\n", "STORED\r\n");
  const mark = memcached.mark;
  await wire.ask("get a\r\n", "END\r\n");
  wire.close();
  assertEquals(await memcached.commands(mark), ["get a"]);
  assertEquals(await memcached.commands(), ["set a 0 0 5", "get a"]);
});

testWith(
  tools,
  "harness: a sidecar is ready, logs, and ends with its block",
  async (tools) => {
    let port = 0;
    {
      await using memcached = await Memcached.start(tools.memcached);
      await using sidecar = await Sidecar.start({
        upstream: memcached.address,
        l7proto: "memcache",
      });
      port = sidecar.port;
      using wire = await sidecar.connect();
      assertEquals(await wire.ask("get a\r\n", "\r\n"), "END\r\n");
      const line = await sidecar.log.one({ type: "request" });
      assertEquals(line.fields["command"], "get");
      assertEquals(line.source.address, wire.address);
      wire.close();
      assertEquals(await memcached.commands(), ["get a"]);
    }
    await rejects(Deno.connect({ port }), Deno.errors.ConnectionRefused);
  },
);

Deno.test("harness: a client's log lines are not those of who had its port before", async () => {
  const path = await Deno.makeTempFile();
  const address = "127.0.0.1:40000";
  const lines = ["00:00:01.5", "00:00:09.25"].map((time, connection) =>
    JSON.stringify({
      ...{ time: `2026-01-01T${time}Z`, type: "connection", connection },
      ...{ source: { address }, fields: { end: "closed" } },
    })
  );
  await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
  const log = new AccessLog(path);
  const client = { address, since: "2026-01-01T00:00:05.000" };
  assertEquals((await log.closed(client)).connection, 1);
  assertEquals((await log.lines({ source: client })).length, 1);
  assertEquals((await log.lines({ source: address })).length, 2);
  await Deno.remove(path);
});

Deno.test("harness: cut() divides where it is told and loses nothing", () => {
  const pieces = cut(encode("abcdef"), [4, 2, 2, 0, 6, 9]);
  assertEquals(pieces.map(decode), ["ab", "cd", "ef"]);
});

Deno.test("harness: texts have one character a byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(encode(decode(bytes)), bytes);
});
