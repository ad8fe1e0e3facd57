/**
 * Policies and parsers that change while connections are open.
 */
import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { memcachedServer, testWith } from "../setup/mod.ts";
import { Memcached, memcachePolicy, Sidecar, type Wire } from "./harness.ts";

const tools = { memcached: await memcachedServer() };
const MISS = "END\r\n";
const DENIED = "CLIENT_ERROR access denied\r\n";

testWith(
  tools,
  "reload: a policy that is edited judges the next request of the same connection; a broken one leaves the last good in force",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    const gets = memcachePolicy({ rules: [{ command: "get" }] });
    const sets = memcachePolicy({ rules: [{ command: "set" }] });
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      policies: { "guard.yaml": gets },
    });
    using wire = await sidecar.connect();
    const get = () => wire.ask("get a\r\n", "\r\n");
    const set = () =>
      wire.ask("set a 0 0 0 noreply\r\n\r\nset b 0 0 0\r\n\r\n", "\r\n");
    const save = async (text: string, told: RegExp) => {
      const from = sidecar.said.length;
      await sidecar.savePolicy("guard.yaml", text);
      await sidecar.said.until((line) => told.test(line), `${told}`, from);
    };
    assertEquals([await get(), await set()], [MISS, DENIED]);

    await save(sets, /policy version \d+ is in force/);
    assertEquals([await get(), await set()], [DENIED, "STORED\r\n"]);

    const misspelt = sets.replace('"command": "set"', '"command": "seet"');
    await save(
      misspelt,
      /guard\.yaml:\d+:\d+: .*"seet.* is no memcache command/,
    );
    assertEquals([await get(), await set()], [DENIED, "STORED\r\n"]);

    await save("spec: [", /guard\.yaml:\d+:\d+: /);
    assertEquals([await get(), await set()], [DENIED, "STORED\r\n"]);

    await save(gets, /policy version \d+ is in force/);
    assertEquals([await set(), await wire.ask("get c\r\n", "\r\n")], [
      DENIED,
      MISS,
    ]);
    const opened = await sidecar.log.lines({ type: "connection" });
    assertEquals(opened, [], "it is one connection all the time");
  },
);

testWith(
  tools,
  "reload: a parser that is dropped in, edited or broken serves all connections that it can take over, or none; all go on",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
    });
    const ask = (wire: Wire) => wire.ask("get none\r\n", "\r\n");
    const save = async (text: string, told: RegExp) => {
      const from = sidecar.said.length;
      await sidecar.saveParser("memcache.ts", text);
      await sidecar.said.until((line) => told.test(line), `${told}`, from);
    };
    using builtIn = await sidecar.connect();
    assertEquals(await ask(builtIn), MISS);

    await save(parserThatSays("one"), /parser memcache@\w+ serves new/);
    using one = await sidecar.connect();
    assertEquals(await ask(one), "one\r\n");
    assertEquals(await ask(builtIn), MISS);

    await save(parserThatSays("two"), /parser memcache@\w+ serves new/);
    using two = await sidecar.connect();
    assertEquals(await ask(two), "two\r\n");
    assertEquals([await ask(builtIn), await ask(one)], [MISS, "two\r\n"]);

    await save(`${parserThatSays("three")}\n}`, /memcache\.ts:\d+:\d+/);
    using three = await sidecar.connect();
    assertEquals(await ask(three), "two\r\n");
    assertEquals([await ask(builtIn), await ask(one), await ask(two)], [
      MISS, // it remembers what the others have no place for
      "two\r\n",
      "two\r\n",
    ]);

    await save(parserThatSays("four"), /parser memcache@\w+ serves new/);
    using four = await sidecar.connect();
    assertEquals(await ask(four), "four\r\n");
    assertEquals(await ask(one), "four\r\n");
    const parsers = (await sidecar.log.expect(12, { type: "request" }))
      .map(({ parser }) => parser);
    assertEquals(new Set(parsers).size, 4);
    assertEquals(await sidecar.log.lines({ type: "connection" }), []);
  },
);

testWith(
  tools,
  "reload: a parser that throws ends its own connection, and others go on",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
      parsers: { "memcache.ts": parserThatSays("fine") },
    });
    using other = await sidecar.connect();
    assertEquals(await other.ask("get a\r\n", "\r\n"), "fine\r\n");
    using wire = await sidecar.connect();
    await wire.send("throw\r\n");
    assertEquals((await wire.readToEnd()).text, "");
    const line = await sidecar.log.one({
      type: "connection",
      reason: "panic",
      source: wire,
      open: true,
    });
    assertEquals(line.verdict, "error");
    match(String(line.fields["status"]), /^Panic: thrown on purpose/);
    assertEquals(await other.ask("get a\r\n", "\r\n"), "fine\r\n");
  },
);

/** A parser that answers every line with its word. */
function parserThatSays(word: string): string {
  return `import { bytes, defineProtocol, latin1, line, z } from "parley/proxylib";

export default defineProtocol({
  description: "answers every line with a word",
  rule: z.strictObject({}),
  matches: () => true,
  frame: (data, seen) => line(data, seen, 100),
  request(head) {
    if (latin1(head, 0, 5) === "throw") throw new Error("thrown on purpose");
    return {};
  },
  fields: () => ({}),
  deny: () => undefined,
  refuse: () => ({ answer: bytes("${word}\\r\\n") }),
});
`;
}
