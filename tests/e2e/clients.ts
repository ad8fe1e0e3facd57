/**
 * Clients that people use, on real memcached behind the sidecar: what the
 * policy allows is as if the sidecar were not there, what it denies is an error
 * of the client's own, and the connection goes on.
 *
 * Each client has a script in `clients/` that reads operations as JSON and
 * prints what came of each.
 *
 * @module
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok as assert,
} from "node:assert/strict";
import type { Tool } from "../setup/mod.ts";
import { Memcached, memcachePolicy, poll, Sidecar, within } from "./harness.ts";

/** Method, arguments, keyword arguments. */
export type Operation = readonly [
  method: string,
  args?: readonly unknown[],
  options?: Readonly<Record<string, unknown>>,
];

/** What became of an operation. */
export interface Result {
  readonly value?: unknown;
  readonly error?: string;
  readonly message?: string;
}

/** Runs operations on one client. */
export type Run = (
  port: number,
  operations: readonly Operation[],
) => Promise<Result[]>;

/** Addresses of two workloads. */
export const READER = "127.0.0.2";
export const WRITER = "127.0.0.3";

const ROLES = { reader: "monitoring", writer: "maintenance" } as const;

/** One reads what is public, the other works on all of its own; `noop` ends what binary clients send in one go. */
const POLICY = memcachePolicy(
  {
    from: { function: ROLES.reader },
    rules: [{ command: "get", keyPrefix: "app/public/" }, { command: "noop" }],
  },
  {
    from: { function: ROLES.writer },
    rules: [
      { command: "get", keyPrefix: "app/" },
      { command: "gat", keyPrefix: "app/" },
      { command: "writeGroup", keyPrefix: "app/" },
      ...["flush_all", "version", "stats", "noop", "quit"].map((command) => ({
        command,
      })),
    ],
  },
);

/** A sidecar with that policy. Clients that come from 127.0.0.1 are given the role `local`. */
export function startGuarded(
  server: Memcached,
  local?: keyof typeof ROLES,
): Promise<Sidecar> {
  const roles = [
    [READER, ROLES.reader],
    [WRITER, ROLES.writer],
    ...(local ? [["127.0.0.1", ROLES[local]]] : []),
  ];
  const identities = roles.map(([address, role]) => ({
    cidr: `${address}/32`,
    labels: { function: role },
  }));
  return Sidecar.start({
    upstream: server.address,
    config: { identities },
    policies: { "guard.yaml": POLICY },
  });
}

/** What is allowed is as on a direct connection. */
export async function checkAllowed(
  memcached: Tool,
  run: Run,
  operations: readonly Operation[],
): Promise<void> {
  await using direct = await Memcached.start(memcached);
  await using guarded = await Memcached.start(memcached);
  await using sidecar = await startGuarded(guarded, "writer");

  const wanted = await run(direct.port, operations);
  const got = await run(sidecar.port, operations);

  for (const [i, operation] of operations.entries()) {
    assertEquals(got[i], wanted[i], JSON.stringify(operation).slice(0, 200));
  }
  assert(wanted.some(({ value }) => value !== undefined));
  assertEquals(await sidecar.log.lines({ verdict: "denied" }), []);
  assertEquals(await guarded.commands(), await direct.commands());
}

/** What a client must make of denials. */
export interface Denials {
  readonly operations: readonly Operation[];
  /** In each result, as JSON. */
  readonly error: RegExp;
  /** Gets `app/public/a`, which is `open`, on the same connection after each. */
  readonly probe: Operation;
  /** In the probe's result, as JSON. */
  readonly open?: RegExp;
  /** The client itself hangs up when it is told of an error. */
  readonly hangsUp?: boolean;
}

/** What is denied is an error, the server is not told of it, and the connection goes on. */
export async function checkDenied(
  memcached: Tool,
  run: Run,
  { operations, error, probe, open = /open/, hangsUp = false }: Denials,
): Promise<void> {
  await using server = await Memcached.start(memcached);
  await using sidecar = await startGuarded(server, "reader");
  {
    using wire = await server.connect();
    await wire.ask("set app/public/a 0 0 4\r\nopen\r\n", "STORED\r\n");
    await wire.ask("set app/private 0 0 4\r\nshut\r\n", "STORED\r\n");
  }
  const mark = server.mark;

  const results = await run(
    sidecar.port,
    operations.flatMap((operation) => [operation, probe]),
  );

  for (const [i, operation] of operations.entries()) {
    const what = JSON.stringify(operation).slice(0, 200);
    match(JSON.stringify(results[2 * i]), error, what);
    match(JSON.stringify(results[2 * i + 1]), open, `after ${what}`);
  }
  const denied = await poll(async () => {
    const lines = await sidecar.log.lines({ type: "request" });
    const denied = lines.filter(({ verdict }) => verdict === "denied");
    return denied.length >= operations.length ? denied : undefined;
  }, () => `log line for each of ${operations.length} denials`);
  assertEquals(
    new Set(denied.map(({ reason }) => reason)),
    new Set(["no-rule"]),
  );
  if (!hangsUp) {
    const requests = await sidecar.log.lines({ type: "request" });
    const connections = requests.map(({ connection }) => connection);
    assertEquals(new Set(connections).size, 1, "it is one connection");
  }
  for (const command of await server.commands(mark)) {
    match(command, /^(gets? app\/public\/a ?|GET app\/public\/a|packet .*)$/);
  }
}

/** A Python script's results; `connections` counts those that it made. */
export function runScript(
  python: Tool,
  name: string,
  args: readonly string[],
  operations: readonly Operation[],
): Promise<{ results: Result[]; connections?: number }> {
  return runClient(
    new Deno.Command(python.command, {
      args: [script(name), ...args],
      env: python.env,
      ...PIPES,
    }),
    operations,
  );
}

/** A Deno script's results. */
export async function runDeno(
  name: string,
  port: number,
  operations: readonly Operation[],
): Promise<Result[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "-A", "--no-prompt", "--unsafe-proto"],
      script(name),
      `127.0.0.1:${port}`,
    ],
    ...PIPES,
  });
  return (await runClient(command, operations)).results;
}

/** A program's results. */
export async function runTool(
  tool: Tool,
  port: number,
  operations: readonly Operation[],
): Promise<Result[]> {
  const command = new Deno.Command(tool.command, {
    args: [`127.0.0.1:${port}`],
    env: tool.env,
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
): Promise<{ results: Result[]; connections?: number }> {
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
