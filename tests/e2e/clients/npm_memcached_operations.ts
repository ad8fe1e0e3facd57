/**
 * Runs operations on one connection of npm's `memcached` and prints what came
 * of each.
 *
 * ```
 * npm_memcached_operations.ts HOST:PORT < operations.json
 * ```
 *
 * It needs a process of its own: the library wants `Object.prototype.__proto__`,
 * which Deno has only with `--unsafe-proto`.
 *
 * @module
 */
import Memcached from "memcached";

type Operation = [method: string, args: unknown[]];
type Result = { value: unknown } | { error: string };

const client = new Memcached(Deno.args[0], {
  poolSize: 1,
  retries: 0,
  timeout: 20_000,
  maxValue: 1 << 21,
});

function run([method, args]: Operation): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  client[method](...args, (error: unknown, value: unknown) => {
    resolve(error ? { error: String(error) } : { value: lasting(value) });
  });
  return promise;
}

/** A result without what differs from server to server: its address, and statistics of the moment. */
function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value !== "object" || value === null) return value;
  const { server, ...rest } = value as Record<string, unknown>;
  if (server === undefined) return value;
  return "major" in rest ? rest : Object.keys(rest).sort();
}

const operations = await new Response(Deno.stdin.readable).json();
const results: Result[] = [];
for (const operation of operations) results.push(await run(operation));
client.end();
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ results })));
Deno.exit(0);
