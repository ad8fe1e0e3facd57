/** PyPI's pymemcache: the text protocol. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  memcachedServer,
  pymemcache,
  testWith,
  type Tool,
} from "../setup/mod.ts";
import {
  type Operation,
  READER,
  type Result,
  runScript,
  startGuarded,
  WRITER,
} from "./clients.ts";
import { encode, Memcached } from "./harness.ts";

const memcached = await memcachedServer();
const python = await pymemcache();
const LARGE = 900_000;

/** Every kind of request, on keys of the workload. */
const PYTHON_OPERATIONS: readonly Operation[] = [
  ["version"],
  ["get", ["app/none"]],
  ["gets", ["app/none"]],
  ["set", ["app/a", hex("one")]],
  ["set", ["app/a", hex("two")], { expire: 1000, flags: 7 }],
  ["get", ["app/a"]],
  ["gets", ["app/a"]],
  ["cas", ["app/a", hex("three"), hex("2")]],
  ["cas", ["app/a", hex("four"), hex("2")]],
  ["cas", ["app/none", hex("four"), hex("2")]],
  ["add", ["app/a", hex("no")]],
  ["add", ["app/b", hex("yes")]],
  ["replace", ["app/b", hex("again")]],
  ["replace", ["app/none", hex("no")]],
  ["append", ["app/b", hex(">")]],
  ["prepend", ["app/b", hex("<")]],
  ["append", ["app/none", hex(">")]],
  ["get", ["app/b"]],
  ["incr", ["app/none", 1]],
  ["incr", ["app/a", 1]],
  ["set", ["app/n", hex("41")]],
  ["incr", ["app/n", 1]],
  ["decr", ["app/n", 100]],
  ["incr", ["app/n", 18_446_744_073_709_000]],
  ["touch", ["app/n", 1000]],
  ["touch", ["app/none", 1000]],
  ["raw_command", [hex("gat 1000 app/n"), hex("END\r\n")]],
  ["raw_command", [hex("gats 1000 app/n app/a"), hex("END\r\n")]],
  ["get_many", [["app/a", "app/none", "app/b", "app/n"]]],
  ["get_many", [["app/none", "app/none2"]]],
  ["gets_many", [["app/a", "app/b"]]],
  ["get_many", [Array.from({ length: 300 }, (_, i) => `app/many/${i}`)]],
  ["set_many", [{ "app/m1": hex("1"), "app/m2": hex("2") }]],
  ["set", ["app/empty", hex("")]],
  ["get", ["app/empty"]],
  ["set", ["app/traps", hex("VALUE x 0 3\r\nEND\r\nget app/a\r\n\0\x80\xff")]],
  ["get", ["app/traps"]],
  ["set", ["app/bytes", { bytes: everyByte() }]],
  ["get", ["app/bytes"]],
  ["set", ["app/large", { bytes: "ab".repeat(LARGE) }]],
  ["get", ["app/large"]],
  ["append", ["app/large", hex("!")]],
  ["get_many", [["app/large", "app/a"]]],
  ["set", ["app/too-large", { bytes: "cd".repeat(1_100_000) }]],
  ["get", ["app/too-large"]],
  ["set", ["app/quiet", hex("q")], { noreply: true }],
  ["get", ["app/quiet"]],
  ["incr", ["app/n", 5], { noreply: true }],
  ["get", ["app/n"]],
  ["delete", ["app/quiet"], { noreply: true }],
  ["get", ["app/quiet"]],
  ["delete", ["app/a"]],
  ["delete", ["app/a"]],
  ["delete_many", [["app/m1", "app/m2", "app/none"]]],
  ["set", ["app/gone", hex("x")], { expire: -1 }],
  ["get", ["app/gone"]],
  ["stats"],
  ["stats", ["settings"]],
  ["stats", ["items"]],
  ["stats", ["slabs"]],
  ["flush_all", [], { noreply: true }],
  ["get", ["app/b"]],
  ["set", ["app/c", hex("after")]],
  ["flush_all"],
  ["get", ["app/c"]],
  ["raw_command", [hex("incr app/n"), hex("\r\n")]],
];

const DENIED_TO_READER: readonly Operation[] = [
  ["get", ["app/private"]],
  ["gets", ["app/private"]],
  ["get_many", [["app/public/a", "app/private"]]],
  ["set", ["app/public/a", hex("other")]],
  ["set", ["app/public/a", hex("other")], { noreply: true }],
  ["set", ["app/public/a", { bytes: "ef".repeat(LARGE) }]],
  ["add", ["app/public/b", hex("other")]],
  ["replace", ["app/public/a", hex("other")]],
  ["append", ["app/public/a", hex("other")]],
  ["prepend", ["app/public/a", hex("other")]],
  ["cas", ["app/public/a", hex("other"), hex("1")]],
  ["incr", ["app/public/a", 1]],
  ["decr", ["app/public/a", 1]],
  ["touch", ["app/public/a", 100]],
  ["delete", ["app/public/a"]],
  ["delete", ["app/public/a"], { noreply: true }],
  ["stats"],
  ["version"],
  ["cache_memlimit", [64]],
  ["flush_all"],
  ["flush_all", [], { noreply: true }],
];

testWith(
  { memcached, python },
  "pymemcache: what is allowed is as on a direct connection",
  async (tools) => {
    await using direct = await Memcached.start(tools.memcached);
    await using guarded = await Memcached.start(tools.memcached);
    await using sidecar = await startGuarded(guarded);

    const wanted = await runPython(
      tools.python,
      direct.port,
      PYTHON_OPERATIONS,
    );
    const got = await runPython(
      tools.python,
      sidecar.port,
      PYTHON_OPERATIONS,
      WRITER,
    );

    assertEquals(got.results, wanted.results);
    assertEquals(got.connections, 1);
    assertEquals(await sidecar.log.lines({ verdict: "denied" }), []);
    // What the server would refuse as malformed is answered before it.
    const told = (await direct.commands()).filter((line) =>
      line !== "incr app/n"
    );
    assertEquals(await guarded.commands(), told);
  },
);

testWith(
  { memcached, python },
  "pymemcache: what is denied is its MemcacheClientError, and its connection goes on",
  async (tools) => {
    await using server = await Memcached.start(tools.memcached);
    await using sidecar = await startGuarded(server);
    await runPython(tools.python, sidecar.port, [
      ["set", ["app/public/a", hex("open")]],
      ["set", ["app/private", hex("shut")]],
    ], WRITER);
    const mark = server.mark;

    const operations = DENIED_TO_READER.flatMap((denied): Operation[] => [
      denied,
      ["get", ["app/public/a"]],
    ]);
    const { results, connections } = await runPython(
      tools.python,
      sidecar.port,
      operations,
      READER,
    );

    for (const [i, operation] of DENIED_TO_READER.entries()) {
      const what = JSON.stringify(operation);
      const silent = operation[2]?.["noreply"] === true;
      const answer = silent ? { value: true } : {
        error: "MemcacheClientError",
        message: "b'access denied'",
      };
      assertEquals(results[2 * i], answer, what);
      assertEquals(results[2 * i + 1], { value: hex("open") }, what);
    }
    assertEquals(connections, 1);
    await sidecar.log.expect(DENIED_TO_READER.length, {
      type: "request",
      verdict: "denied",
      reason: "no-rule",
    });
    assertEquals(
      new Set(await server.commands(mark)),
      new Set(["get app/public/a"]),
      "the server is told of nothing else",
    );
  },
);

function hex(text: string): { bytes: string } {
  return { bytes: encode(text).toHex() };
}

function everyByte(): string {
  return Uint8Array.from({ length: 256 }, (_, i) => i).toHex();
}

/** Runs operations on pymemcache, in one process and on one connection. */
async function runPython(
  python: Tool,
  port: number,
  operations: readonly Operation[],
  source?: string,
): Promise<{ results: Result[]; connections: number }> {
  const args = [`127.0.0.1:${port}`, ...(source ? [source] : [])];
  const { results, connections } = await runScript(
    python,
    "pymemcache_operations.py",
    args,
    operations,
  );
  return {
    connections: connections!,
    results: results.map((result, i) =>
      operations[i]![0] === "stats" ? namesOnly(result) : result
    ),
  };
}

/** Statistics are of the moment; which there are is not. */
function namesOnly(result: Result): Result {
  const { value } = result;
  return typeof value === "object" && value
    ? { value: Object.keys(value).sort() }
    : result;
}
