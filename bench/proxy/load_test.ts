import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects,
} from "node:assert/strict";
import { missing, onPath } from "../../tests/setup/tool.ts";
import { testWith } from "../../tests/setup/mod.ts";
import { cassandraUpstream, loadGenerator } from "./build.ts";
import { runLoad } from "./load.ts";
import { Processes } from "./processes.ts";
import { startCassandra } from "./upstream.ts";
import type { Scenario } from "./scenarios.ts";

const load = onPath("taskset") && navigator.hardwareConcurrency > 1
  ? await loadGenerator()
  : missing("taskset and two cores are needed");

const VALUE = "abcdefghij";
const SCENARIO: Scenario = {
  ...{ name: "test", title: "test" },
  ...{ connections: 4, depth: 1, valueBytes: VALUE.length },
};
const TIMES = { ids: [], warmupSeconds: 0.1, seconds: 0.4 };

/** A server that keeps the load's promises as far as `reply` does. */
function serve(reply: (key: string) => string | Promise<string>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serveOne = async (connection: Deno.TcpConn) => {
    const write = (text: string) =>
      connection.write(new TextEncoder().encode(text));
    let rest = "";
    for await (const bytes of connection.readable) {
      const lines = (rest + new TextDecoder().decode(bytes)).split("\r\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const [command, key] = line.split(" ");
        if (command === "get") await write(await reply(key!));
        else if (command === VALUE) await write("STORED\r\n");
      }
    }
  };
  const done = (async () => {
    const serving: Promise<void>[] = [];
    for await (const connection of listener) {
      serving.push(serveOne(connection).catch(() => {}));
    }
    await Promise.all(serving);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await done;
    },
  };
}

function whole(key: string, value = VALUE): string {
  return `VALUE ${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`;
}

testWith(
  { load },
  "load: every reply is counted, pipelined ones too",
  async ({ load }) => {
    await using processes = new Processes();
    let replies = 0;
    await using server = serve((key) => {
      replies++;
      return whole(key);
    });
    const scenario = { ...SCENARIO, depth: 8 };
    const result = await runLoad(processes, load, scenario, {
      ...TIMES,
      port: server.port,
    });
    assert(result.requestsInAll > 0);
    assertEquals(result.requestsInAll, replies);
    assert(result.p50 <= result.p99 && result.p99 <= result.max);
  },
);

for (
  const [name, reply] of [
    ["a wrong byte", (key: string) => whole(key).replace("j", "J")],
    ["another key", () => whole("bench/999999")],
    ["a reply too many", (key: string) => whole(key).repeat(2)],
    ["a miss", () => "END\r\n"],
  ] as const
) {
  testWith({ load }, `load: ${name} is an error`, async ({ load }) => {
    await using processes = new Processes();
    await using server = serve(reply);
    await rejects(
      runLoad(processes, load, SCENARIO, { ...TIMES, port: server.port }),
      /4 errors: .*wrong reply/,
    );
  });
}

testWith(
  { load },
  "load, open loop: a stall is seen by all requests that were due in it",
  async ({ load }) => {
    await using processes = new Processes();
    let first: number | undefined;
    let stall: Promise<void> | undefined;
    await using server = serve(async (key) => {
      first ??= performance.now();
      if (performance.now() > first + 200) {
        await (stall ??= new Promise((resolve) => setTimeout(resolve, 200)));
      }
      return whole(key);
    });
    const scenario = { ...SCENARIO, rate: 1_000 };
    const result = await runLoad(processes, load, scenario, {
      ...TIMES,
      port: server.port,
    });
    // Of 400 requests, four were outstanding and the rest of those due waited too.
    assert(result.p90 > 20_000, `p90 is ${result.p90} µs`);
  },
);

const CASSANDRA: Scenario = { ...SCENARIO, protocol: "cassandra", depth: 8 };

testWith(
  { load, upstream: await cassandraUpstream() },
  "load speaks Cassandra's protocol with its stand-in, and sees a wrong byte",
  async ({ load, upstream }) => {
    await using processes = new Processes();
    const { valueBytes } = CASSANDRA;
    const port = await startCassandra(processes, upstream, valueBytes);
    for (const asText of [{}, { asText: true }] as const) {
      const scenario = { ...CASSANDRA, ...asText };
      const result = await runLoad(processes, load, scenario, {
        ...TIMES,
        port,
      });
      assert(result.requestsInAll > 0);
    }
    const other = await startCassandra(processes, upstream, valueBytes + 1);
    await rejects(
      runLoad(processes, load, CASSANDRA, { ...TIMES, port: other }),
      /4 errors: .*wrong reply/,
    );
  },
);
