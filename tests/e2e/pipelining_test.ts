/**
 * Many requests in flight: whatever is denied among them is answered in its
 * turn, exactly once, and the server is told of nothing but the rest.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { memcachedServer, testWith } from "../setup/mod.ts";
import { packet } from "./binary_inputs.ts";
import {
  cut,
  encode,
  Memcached,
  memcachePolicy,
  Sidecar,
  type Wire,
} from "./harness.ts";
import {
  difference,
  type Exchange,
  Model,
  MODEL_RULES,
} from "./memcached_model.ts";
import { Random } from "../random.ts";

const tools = { memcached: await memcachedServer() };

const CASES = [
  { name: "1,000 in one piece", count: 1000, large: false, cuts: 0 },
  { name: "1,000 cut at random", count: 1000, large: false, cuts: 300 },
  { name: "1,000 with large values", count: 1000, large: true, cuts: 0 },
  {
    name: "1,000 with large values, cut at random",
    count: 1000,
    large: true,
    cuts: 300,
  },
  { name: "60 byte by byte", count: 60, large: false, cuts: Infinity },
  {
    name: "40,000, more than may be outstanding at a time",
    count: 40_000,
    large: false,
    cuts: 0,
  },
];

for (const [index, { name, count, large, cuts }] of CASES.entries()) {
  testWith(
    tools,
    `pipelining: ${name}, then half-closed: every reply comes, in its turn`,
    async (tools) => {
      await using memcached = await Memcached.start(tools.memcached);
      await using sidecar = await startSidecar(memcached);
      const random = new Random(20_261_124 + index);
      const exchanges = new Model(random).exchanges(count, large);
      const bytes = encode(exchanges.map(({ request }) => request).join(""));
      const places = cuts === Infinity
        ? Array.from({ length: bytes.length }, (_, at) => at)
        : random.some(cuts, bytes.length);

      using wire = await sidecar.connect();
      const { text, end } = await wire.exchange(cut(bytes, places));

      assertEquals(difference(text, exchanges), undefined);
      assertEquals(end, "closed");
      await checkLog(sidecar, wire, exchanges);
      assertEquals(await memcached.commands(), told(exchanges));
    },
  );
}

testWith(
  tools,
  "pipelining: replies come while the client keeps the connection open",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await startSidecar(memcached);
    const model = new Model(new Random(7));
    using wire = await sidecar.connect();

    for (let round = 0; round < 20; round++) {
      const exchanges = model.exchanges(50, false)
        .filter(({ reply }) => reply !== "statistics");
      await wire.send(exchanges.map(({ request }) => request).join(""));
      const wanted = exchanges.map(({ reply }) => reply).join("");
      const text = await wire.readBytes(wanted.length);
      assertEquals(difference(text, exchanges), undefined);
    }
    assertEquals(wire.unread, "");
  },
);

const SILENT = [
  { name: "set", request: "set no:a 0 0 1 noreply\r\nx\r\n" },
  { name: "delete", request: "delete no:a noreply\r\n" },
  { name: "incr", request: "incr no:n 1 noreply\r\n" },
  { name: "flush_all", request: "flush_all noreply\r\n" },
  { name: "quit", request: "quit\r\n" },
];
testWith(
  tools,
  "pipelining: a denied command that expects no answer gets none",
  async (tools, test) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await startSidecar(memcached);
    for (const { name, request } of SILENT) {
      await test.step(name, async () => {
        const { mark } = memcached;
        using wire = await sidecar.connect();
        await wire.send(`get ok:a\r\n${request}get no:b\r\nget ok:c\r\n`);
        await wire.finish();
        assertEquals(await wire.readToEnd(), {
          text: "END\r\nCLIENT_ERROR access denied\r\nEND\r\n",
          end: "closed",
        });
        assertEquals(await memcached.commands(mark), ["get ok:a", "get ok:c"]);
      });
    }
  },
);

testWith(
  tools,
  "pipelining: what was asked before an allowed quit is answered, and nothing behind it",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
    });
    using wire = await sidecar.connect();
    const before = "set a 0 0 1\r\nx\r\n" + "get a\r\n".repeat(100);
    const behind = `set b 0 0 1000\r\n${"y".repeat(1000)}\r\n`.repeat(5);
    const { text } = await wire.exchange([
      encode(`${before}quit\r\n${behind}`),
    ]);
    assertEquals(
      text,
      "STORED\r\n" + "VALUE a 0 1\r\nx\r\nEND\r\n".repeat(100),
    );
  },
);

testWith(
  tools,
  "pipelining: behind an allowed quit nothing is answered and nothing is forwarded",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await Sidecar.start({
      upstream: memcached.address,
      l7proto: "memcache",
    });
    using wire = await sidecar.connect();
    const { text } = await wire.exchange([encode("get a\r\nquit\r\nget\r\n")]);
    assertEquals(text, "END\r\n");
    await sidecar.log.closed(wire);
    const commands = (await sidecar.log.lines({ type: "request" }))
      .map(({ fields }) => fields["command"]);
    assertEquals(commands, ["get", "quit"]);
  },
);

const BROKEN = [
  {
    name: "a line without an end",
    before: "get ok:a\r\n",
    reply: "END\r\n",
    bad: `set ${"x".repeat(3000)}`,
    answer: "",
  },
  {
    name: "a packet whose lengths do not fit",
    before: packet(0x0a),
    reply: `\x81\x0a${"\0".repeat(22)}`,
    bad: packet(0x00, { key: "ok:a", bodyBytes: 1 }),
    answer: `\x81${"\0".repeat(6)}\x81\0\0\0\x0f${
      "\0".repeat(12)
    }Unknown command`,
  },
];
for (const { name, before, reply, bad, answer } of BROKEN) {
  testWith(
    tools,
    `pipelining: ${name} ends the connection, after the replies to what came before it`,
    async (tools) => {
      await using memcached = await Memcached.start(tools.memcached);
      await using sidecar = await Sidecar.start({
        upstream: memcached.address,
        l7proto: "memcache",
      });
      using wire = await sidecar.connect();
      await wire.send(before.repeat(100) + bad);
      assertEquals((await wire.readToEnd()).text, reply.repeat(100) + answer);
      const { verdict } = await sidecar.log.closed(wire);
      assertEquals(verdict, "error");
    },
  );
}

const META = [
  { line: "mg ok:a v", actions: ["get"], verdict: "forwarded" },
  { line: "mg ok:a v T30", actions: ["get", "touch"], verdict: "forwarded" },
  { line: "mg ok:a v N30", actions: ["get", "add"], verdict: "forwarded" },
  { line: "mg no:a v O1", actions: ["get"], verdict: "denied" },
  { line: "md ok:a", actions: ["delete"], verdict: "forwarded" },
  { line: "ma ok:n MD", actions: ["decr"], verdict: "forwarded" },
  { line: "mn", actions: ["noop"], verdict: "denied" },
  { line: "me ok:a", actions: undefined, verdict: "denied" },
  { line: "mg ok:a v v", actions: ["get"], verdict: "error" },
];
testWith(
  tools,
  "pipelining: the log says what meta commands do",
  async (tools) => {
    await using memcached = await Memcached.start(tools.memcached);
    await using sidecar = await startSidecar(memcached);
    using wire = await sidecar.connect();
    const { text } = await wire.exchange([
      encode(META.map(({ line }) => `${line}\r\n`).join("")),
    ]);
    assertEquals(text.match(/access denied[^\r]*/g), [
      "access denied O1",
      "access denied",
      "access denied",
    ]);
    await sidecar.log.closed(wire);
    const lines = await sidecar.log.lines({ type: "request" });
    assertEquals(
      lines.map(({ verdict, fields }) => [fields["actions"], verdict]),
      META.map(({ actions, verdict }) => [actions, verdict]),
    );
    assertEquals(
      await memcached.commands(),
      META.filter(({ verdict }) => verdict === "forwarded")
        .map(({ line }) => line),
    );
  },
);

function startSidecar(memcached: Memcached): Promise<Sidecar> {
  return Sidecar.start({
    upstream: memcached.address,
    policies: { "guard.yaml": memcachePolicy({ rules: MODEL_RULES }) },
  });
}

/** The command lines that the server is to be told, values left out. */
function told(exchanges: readonly Exchange[]): string[] {
  return exchanges.filter(({ verdict }) => verdict === "forwarded")
    .map(({ request }) => request.slice(0, request.indexOf("\r\n")));
}

/** Each request has its line, in order. */
async function checkLog(
  sidecar: Sidecar,
  wire: Wire,
  exchanges: readonly Exchange[],
): Promise<void> {
  await sidecar.log.closed(wire);
  const lines = await sidecar.log.lines({ type: "request" });
  assertEquals(
    lines.map(({ verdict }) => verdict),
    exchanges.map(({ verdict }) => verdict),
  );
}
