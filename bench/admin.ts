/**
 * What load on the admin API costs the data path: its p99 without and with it,
 * in turn, as a ratio of the same run.
 *
 *     deno task bench:admin [ROUNDS [SECONDS]]
 *
 * Each load comes from a process of its own (`admin_load.ts`).
 */
import { Parley } from "../tests/processes/parley.ts";
import { LineServer } from "../tests/processes/servers.ts";
import { allowing, PORT, words } from "../tests/processes/words.ts";
import { originOf } from "../tests/admin/client.ts";

const ROUNDS = Number(Deno.args[0] ?? 5);
const SECONDS = Number(Deno.args[1] ?? 10);
/** Connections that ask, each one question at a time. */
const CLIENTS = 4;
/** Before what is measured: the load has begun by then. */
const WARM_MS = 2000;

/** What is asked of the admin API meanwhile; see `admin_load.ts`. */
const LOADS: ReadonlyMap<string, readonly string[]> = new Map([
  ["100 requests/s of /v1/status", ["ask", "/v1/status", "100"]],
  ["100 requests/s of /readyz", ["ask", "/readyz", "100"]],
  ["1,000 idle clients", ["idle", "1000"]],
  ["100 requests/s of /metrics", ["ask", "/metrics", "100"]],
  ["100 slow readers of /v1/accesslog", ["follow", "100"]],
  [
    "100 slow readers of /v1/accesslog and 100 requests/s of /metrics",
    ["follow", "100", "/metrics", "100"],
  ],
]);

await using server = new LineServer();
await using parley = await Parley.start({
  config: {
    admin: { listen: "127.0.0.1:0" },
    listeners: [{ name: "a", upstream: server.address, port: PORT }],
    policies: ["policies/"],
  },
  parsers: { "words.ts": words() },
  policies: { "words.json": allowing("yes") },
});
const origin = await originOf(parley);

/** Milliseconds of the slowest hundredth of the answers. */
async function p99(): Promise<number> {
  const took: number[] = [];
  const until = performance.now() + SECONDS * 1000;
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    using wire = await parley.connect("a");
    while (performance.now() < until) {
      const began = performance.now();
      await wire.ask("yes\n", "\n");
      took.push(performance.now() - began);
    }
  }));
  took.sort((a, b) => a - b);
  return took[Math.floor(0.99 * (took.length - 1))]!;
}

async function under(load: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "--allow-net=127.0.0.1"],
      new URL("admin_load.ts", import.meta.url).pathname,
      ...[origin, ...load],
    ],
    stdin: "null",
  }).spawn();
  try {
    await new Promise((resolve) => setTimeout(resolve, WARM_MS));
    return await p99();
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

await p99(); // the data path is warm from here on
for (const [name, load] of LOADS) {
  const rows: { without: number; under: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rows.push({ without: await p99(), under: await under(load) });
  }
  const ratios = rows.map(({ without, under }) => under / without);
  console.log(
    `${name}: p99 ${
      median(rows.map(({ without }) => without)).toFixed(2)
    } ms, ` +
      `under it ${median(rows.map(({ under }) => under)).toFixed(2)} ms, ` +
      `ratio ${median(ratios).toFixed(2)} (${
        ratios.map((ratio) => ratio.toFixed(2)).join(", ")
      })`,
  );
}
