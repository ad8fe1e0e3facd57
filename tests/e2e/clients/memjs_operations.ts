/**
 * Runs operations on one connection of npm's `memjs` and prints what came of
 * each.
 *
 * ```
 * memjs_operations.ts HOST:PORT < operations.json
 * ```
 *
 * @module
 */
import { Client } from "memjs";

type Operation = [method: string, args: unknown[]];
type Result = { value: unknown } | { error: string };

const client = Client.create(Deno.args[0]!, {
  retries: 0,
  timeout: 20,
  conntimeout: 20,
  logger: { log() {} },
});

function run([method, args]: Operation): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const call = client as unknown as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  call[method]!(...args, (error: unknown, ...values: unknown[]) => {
    resolve(
      error ? { error: String(error) } : { value: values.map(readable) },
    );
  });
  return promise;
}

/** Bytes as text; without the server's address. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return Array.from(value, (byte) => String.fromCharCode(byte)).join("");
  }
  if (typeof value === "string" && value === Deno.args[0]) return "the server";
  return value;
}

const operations = await new Response(Deno.stdin.readable).json();
const results: Result[] = [];
for (const operation of operations) results.push(await run(operation));
client.close();
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ results })));
Deno.exit(0);
