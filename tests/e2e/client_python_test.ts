/** PyPI's pylibmc (both protocols), python-binary-memcached and pymemcache's HashClient. */
import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import {
  memcachedServer,
  type Missing,
  pylibmc,
  pymemcache,
  pythonBinaryMemcached,
  testWith,
  type Tool,
} from "../setup/mod.ts";
import {
  checkAllowed,
  checkDenied,
  type Denials,
  type Operation,
  type Result,
  runScript,
  startGuarded,
} from "./clients.ts";
import { Memcached } from "./harness.ts";

const memcached = await memcachedServer();
const LARGE = "x".repeat(900_000);

/** What a client is tried with. */
interface Client {
  readonly name: string;
  readonly python: Tool | Missing;
  readonly script: string;
  readonly args?: readonly string[];
  readonly allowed: readonly Operation[];
  /** Absent: the client takes status 8 for a broken server, which it then avoids. */
  readonly denials?: Omit<Denials, "probe">;
}

const COMMON: readonly Operation[] = [
  ["get", ["app/none"]],
  ["set", ["app/a", "one"]],
  ["get", ["app/a"]],
  ["gets", ["app/a"]],
  ["add", ["app/a", "no"]],
  ["add", ["app/b", "yes"]],
  ["replace", ["app/b", "again"]],
  ["replace", ["app/none", "no"]],
  ["get", ["app/b"]],
  ["set", ["app/empty", ""]],
  ["get", ["app/empty"]],
  ["set", ["app/traps", "END\r\nVALUE x 0 1\r\nflush_all\r\n"]],
  ["get", ["app/traps"]],
  ["set", ["app/large", LARGE]],
  ["get", ["app/large"]],
  ["delete", ["app/a"]],
  ["delete", ["app/a"]],
  ["get", ["app/a"]],
];
const COMMON_DENIED: readonly Operation[] = [
  ["get", ["app/private"]],
  ["set", ["app/public/a", "other"]],
  ["set", ["app/public/a", LARGE]],
  ["add", ["app/public/b", "other"]],
  ["replace", ["app/public/a", "other"]],
  ["delete", ["app/public/a"]],
];
const KEYS = Array.from({ length: 50 }, (_, i) => `app/many/${i}`);

const LIBMEMCACHED: readonly Operation[] = [
  ...COMMON,
  ["set", ["app/n", 41]],
  ["incr", ["app/n", 1]],
  ["decr", ["app/n", 2]],
  ["incr", ["app/none", 1]],
  ["set", ["app/t", "x"]],
  ["append", ["app/t", ">"]],
  ["prepend", ["app/t", "<"]],
  ["append", ["app/none", ">"]],
  ["get", ["app/t"]],
  ["set_multi", [{ "app/m1": "1", "app/m2": "2" }]],
  ["get_multi", [["app/m1", "app/none", "app/m2", ...KEYS]]],
  ["delete_multi", [["app/m1", "app/m2"]]],
  ["cas", ["app/t", "y", 1]],
  ["flush_all"],
  ["get", ["app/t"]],
];

const library = await pylibmc();
const CLIENTS: readonly Client[] = [
  {
    name: "pylibmc (ASCII)",
    python: library,
    script: "pylibmc_operations.py",
    args: ["ascii"],
    allowed: [
      ...LIBMEMCACHED,
      ["touch", ["app/b", 1000]],
      ["touch", ["app/none", 1000]],
    ],
    denials: {
      // A get that is denied is a miss to it.
      error: /"error":"ClientError","message":".*CLIENT ERROR|keys failed/,
      operations: [
        ...COMMON_DENIED.filter(([method]) => method !== "get"),
        ["incr", ["app/public/a", 1]],
        ["append", ["app/public/a", "x"]],
        ["touch", ["app/public/a", 100]],
      ],
    },
  },
  {
    name: "pylibmc (binary)",
    python: library,
    script: "pylibmc_operations.py",
    args: ["binary"],
    allowed: LIBMEMCACHED, // its touch waits for its own timeout, also directly
  },
  {
    name: "python-binary-memcached",
    python: await pythonBinaryMemcached(),
    script: "bmemcached_operations.py",
    allowed: [
      ...COMMON,
      ["incr", ["app/n", 1], { default: 41 }],
      ["incr", ["app/n", 1]],
      ["decr", ["app/n", 2]],
      ["set_multi", [{ "app/m1": "1", "app/m2": "2" }]],
      ["get_multi", [["app/m1", "app/none", "app/m2", ...KEYS]]],
      ["delete_multi", [["app/m1", "app/m2"]]],
      ["cas", ["app/b", "y", 1]],
      ["flush_all"],
      ["get", ["app/b"]],
    ],
    denials: {
      error: /"error":"MemcachedException","message":"Code: 8 .*access denied/,
      operations: [
        ...COMMON_DENIED,
        ["incr", ["app/public/a", 1]],
        ["flush_all"],
      ],
    },
  },
  {
    name: "pymemcache's HashClient",
    python: await pymemcache(),
    script: "pymemcache_hash_operations.py",
    allowed: [
      ...COMMON,
      ["set_many", [{ "app/m1": "1", "app/m2": "2" }]],
      ["get_many", [["app/m1", "app/none", "app/m2", ...KEYS]]],
      ["delete_many", [["app/m1", "app/m2"]]],
      ["touch", ["app/b", 1000]],
      ["flush_all"],
      ["get", ["app/b"]],
    ],
    denials: {
      error: /"error":"MemcacheClientError","message":"b'access denied'"/,
      hangsUp: true,
      operations: [
        ...COMMON_DENIED,
        ["incr", ["app/public/a", 1]],
        ["get_many", [["app/public/a", "app/private"]]],
        ["touch", ["app/public/a", 100]],
      ],
    },
  },
];

for (const { name, python, script, args = [], allowed, denials } of CLIENTS) {
  const run = (python: Tool) =>
  async (
    port: number,
    operations: readonly Operation[],
  ): Promise<Result[]> => {
    const address = [`127.0.0.1:${port}`, ...args];
    return (await runScript(python, script, address, operations)).results;
  };
  testWith(
    { memcached, python },
    `${name}: what is allowed is as on a direct connection`,
    ({ memcached, python }) => checkAllowed(memcached, run(python), allowed),
  );
  if (!denials) continue;
  testWith(
    { memcached, python },
    `${name}: what is denied is an error of its own`,
    ({ memcached, python }) =>
      checkDenied(memcached, run(python), {
        ...denials,
        probe: ["get", ["app/public/a"]],
        open: /"open"|6f70656e/,
      }),
  );
}

testWith(
  { memcached, library },
  "pylibmc (binary): what is denied is a failure of its own, and the server is not told of it",
  async ({ memcached, library }) => {
    await using server = await Memcached.start(memcached);
    await using sidecar = await startGuarded(server, "reader");
    for (const operation of COMMON_DENIED) {
      const mark = server.mark;
      const { results } = await runScript(
        library,
        "pylibmc_operations.py",
        [`127.0.0.1:${sidecar.port}`, "binary"],
        [operation],
      );
      const what = JSON.stringify(operation).slice(0, 200);
      // libmemcached makes a miss of a get's error, whatever it is.
      match(JSON.stringify(results), /"error"|"value":null/, what);
      assertEquals(await server.commands(mark), [], what);
    }
    const denied = await sidecar.log.expect(COMMON_DENIED.length, {
      type: "request",
      verdict: "denied",
      reason: "no-rule",
    });
    assertEquals(
      denied.map(({ fields }) => fields["command"]),
      COMMON_DENIED.map(([method]) => method),
    );
  },
);
