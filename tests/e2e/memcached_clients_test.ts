/**
 * Clients that people use, on real memcached behind the sidecar: what the
 * policy allows is as if the sidecar were not there, what it denies is an error
 * of the client's own, and the connection goes on.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import {
  memcachedServer,
  memcaslap,
  pymemcache,
  testWith,
  type Tool,
} from "../setup/mod.ts";
import {
  countFrom,
  encode,
  Memcached,
  memcachePolicy,
  Sidecar,
  type SidecarOptions,
  within,
} from "./harness.ts";

const memcached = await memcachedServer();
const python = await pymemcache();
const load = await memcaslap();

/** Method, arguments, keyword arguments. */
type Operation = readonly [
  method: string,
  args?: readonly unknown[],
  options?: Readonly<Record<string, unknown>>,
];
/** What became of an operation. */
interface Result {
  readonly value?: unknown;
  readonly error?: string;
  readonly message?: string;
}

const LARGE = 900_000;
const READER = "127.0.0.2";
const WRITER = "127.0.0.3";

/** Two workloads: one reads what is public, the other works on all of its own. */
const GUARDED: Omit<SidecarOptions, "upstream"> = {
  config: {
    identities: [
      { cidr: `${READER}/32`, labels: { function: "monitoring" } },
      { cidr: `${WRITER}/32`, labels: { function: "maintenance" } },
    ],
  },
  policies: {
    "guard.yaml": memcachePolicy(
      {
        from: { function: "monitoring" },
        rules: [{ command: "get", keyPrefix: "app/public/" }],
      },
      {
        from: { function: "maintenance" },
        rules: [
          { command: "get", keyPrefix: "app/" },
          { command: "gat", keyPrefix: "app/" },
          { command: "writeGroup", keyPrefix: "app/" },
          { command: "flush_all" },
          { command: "version" },
          { command: "stats" },
        ],
      },
    ),
  },
};

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

testWith(
  { memcached },
  "npm memcached: what is allowed is as on a direct connection",
  async (tools) => {
    await using direct = await Memcached.start(tools.memcached);
    await using guarded = await Memcached.start(tools.memcached);
    await using sidecar = await startGuarded(guarded, "maintenance");

    const wanted = await runNpm(direct.port, NPM_OPERATIONS);
    const got = await runNpm(sidecar.port, NPM_OPERATIONS);

    assertEquals(got, wanted);
    assertEquals(await sidecar.log.lines({ verdict: "denied" }), []);
    assertEquals(await guarded.commands(), await direct.commands());
  },
);

testWith(
  { memcached },
  "npm memcached: what is denied reaches the callback as an error, and its connection goes on",
  async (tools) => {
    await using server = await Memcached.start(tools.memcached);
    await using sidecar = await startGuarded(server, "monitoring");
    await runNpm(server.port, [["set", ["app/public/a", "open", 0]]]);

    const denied: Operation[] = [
      ["set", ["app/public/a", "other", 0]],
      ["get", ["app/private"]],
      ["getMulti", [["app/public/a", "app/private"]]],
      ["incr", ["app/public/a", 1]],
      ["del", ["app/public/a"]],
      ["touch", ["app/public/a", 100]],
    ];
    const results = await runNpm(
      sidecar.port,
      denied.flatMap((operation): Operation[] => [
        operation,
        ["get", ["app/public/a"]],
      ]),
    );

    for (const [i, operation] of denied.entries()) {
      const what = JSON.stringify(operation);
      assert(/access denied/.test(results[2 * i]!.error ?? ""), what);
      assertEquals(results[2 * i + 1], { value: "open" }, what);
    }
    const requests = await sidecar.log.expect(denied.length * 2, {
      type: "request",
    });
    assertEquals(new Set(requests.map(({ connection }) => connection)).size, 1);
  },
);

testWith(
  { memcached, load },
  "memcaslap: load passes without an error, and all of it is logged",
  async (tools) => {
    await using server = await Memcached.start(tools.memcached, {
      quiet: true,
    });
    await using sidecar = await Sidecar.start({
      upstream: server.address,
      l7proto: "memcache",
    });
    const seconds = countFrom("PARLEY_LOAD_SECONDS", 10);

    const report = await runLoad(tools.load, sidecar.port, seconds);

    assert(report.operations > 0);
    assertEquals(report.complaints, []);
    const served = await requestsServed(server);
    sidecar.signal("SIGTERM"); // so that all of the log is written
    assertEquals(await sidecar.exit(), 0);
    const verdicts = await countVerdicts(sidecar.log.path);
    assertEquals([...verdicts.keys()].sort(), [
      "connection forwarded",
      "request forwarded",
    ]);
    assertEquals(verdicts.get("request forwarded"), served);
  },
);

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

const NPM_OPERATIONS: readonly Operation[] = [
  ["version"],
  ["get", ["app/none"]],
  ["set", ["app/a", "one", 0]],
  ["get", ["app/a"]],
  ["gets", ["app/a"]],
  ["cas", ["app/a", "two", "1", 0]],
  ["cas", ["app/a", "three", "1", 0]],
  ["add", ["app/a", "no", 0]],
  ["add", ["app/b", "yes", 0]],
  ["replace", ["app/b", "again", 0]],
  ["replace", ["app/none", "no", 0]],
  ["append", ["app/b", ">"]],
  ["prepend", ["app/b", "<"]],
  ["get", ["app/b"]],
  ["set", ["app/n", 41, 0]],
  ["incr", ["app/n", 1]],
  ["decr", ["app/n", 100]],
  ["incr", ["app/none", 1]],
  ["touch", ["app/n", 1000]],
  ["touch", ["app/none", 1000]],
  ["getMulti", [["app/a", "app/none", "app/b"]]],
  ["set", ["app/json", { nested: ["\r\nEND\r\n"] }, 0]],
  ["get", ["app/json"]],
  ["set", ["app/text", "ünïcode\r\nEND\r\n", 0]],
  ["get", ["app/text"]],
  ["set", ["app/large", "x".repeat(LARGE), 0]],
  ["get", ["app/large"]],
  ["del", ["app/a"]],
  ["del", ["app/a"]],
  ["stats"],
  ["settings"],
  ["flush"],
  ["get", ["app/b"]],
];

function hex(text: string): { bytes: string } {
  return { bytes: encode(text).toHex() };
}

function everyByte(): string {
  return Uint8Array.from({ length: 256 }, (_, i) => i).toHex();
}

/** `npm` and raw clients come from 127.0.0.1, which can be given the labels of either workload. */
function startGuarded(
  server: Memcached,
  local?: "monitoring" | "maintenance",
): Promise<Sidecar> {
  const { identities } = GUARDED.config as { identities: unknown[] };
  const more = local
    ? [{ cidr: "127.0.0.1/32", labels: { function: local } }]
    : [];
  return Sidecar.start({
    ...GUARDED,
    upstream: server.address,
    config: { identities: [...identities, ...more] },
  });
}

/** Runs operations on pymemcache, in one process and on one connection. */
async function runPython(
  python: Tool,
  port: number,
  operations: readonly Operation[],
  source?: string,
): Promise<{ results: Result[]; connections: number }> {
  const { results, connections } = await runClient(
    new Deno.Command(python.command, {
      args: [
        script("pymemcache_operations.py"),
        `127.0.0.1:${port}`,
        ...(source ? [source] : []),
      ],
      env: python.env,
      ...PIPES,
    }),
    operations,
  );
  return {
    connections,
    results: results.map((result, i) =>
      operations[i]![0] === "stats" ? namesOnly(result) : result
    ),
  };
}

/** Runs operations on npm's memcached. */
async function runNpm(
  port: number,
  operations: readonly Operation[],
): Promise<Result[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "-A", "--no-prompt", "--unsafe-proto"],
      script("npm_memcached_operations.ts"),
      `127.0.0.1:${port}`,
    ],
    ...PIPES,
  });
  return (await runClient(command, operations)).results;
}

const PIPES = { stdin: "piped", stdout: "piped", stderr: "inherit" } as const;

function script(name: string): string {
  return new URL(`clients/${name}`, import.meta.url).pathname;
}

async function runClient(
  command: Deno.Command,
  operations: readonly Operation[],
): Promise<{ results: Result[]; connections: number }> {
  const child = command.spawn();
  const full = operations.map(([method, args = [], options = {}]) => [
    method,
    args,
    options,
  ]);
  const output = within(
    child.output(),
    () => "end of the client",
    () => child.kill("SIGKILL"),
  );
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(full)));
  await writer.close();
  const { success, stdout } = await output;
  assert(success, "the client failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Statistics are of the moment; which there are is not. */
function namesOnly(result: Result): Result {
  const { value } = result;
  return typeof value === "object" && value
    ? { value: Object.keys(value).sort() }
    : result;
}

async function runLoad(
  tool: Tool,
  port: number,
  seconds: number,
): Promise<{ operations: number; complaints: string[] }> {
  const { stdout, stderr } = await new Deno.Command(tool.command, {
    args: [
      ...["-s", `127.0.0.1:${port}`],
      ...["-T", "1", "-c", "16", "-t", `${seconds}s`],
    ],
    env: tool.env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const lines = `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`
    .split("\n");
  const [, operations] = /Ops: (\d+)/.exec(lines.join("\n")) ?? [];
  return {
    operations: Number(operations),
    complaints: lines.filter((line) => /error|fail|mismatch/i.test(line)),
  };
}

/** The server's own count of gets and sets. */
async function requestsServed(server: Memcached): Promise<number> {
  using wire = await server.connect();
  const stats = await wire.ask("stats\r\n", "END\r\n");
  const count = (name: string) =>
    Number(new RegExp(`STAT ${name} (\\d+)`).exec(stats)?.[1]);
  return count("cmd_get") + count("cmd_set");
}

const KIND = /"type":"(\w+)","verdict":"(\w+)"/;

/** Counts lines by type and verdict: too many to keep. */
async function countVerdicts(path: string): Promise<Map<string, number>> {
  const file = await Deno.open(path);
  const counts = new Map<string, number>();
  let rest = "";
  for await (
    const text of file.readable.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const [, type, verdict] = KIND.exec(line) ?? [];
      const kind = `${type} ${verdict}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
  }
  return counts;
}
