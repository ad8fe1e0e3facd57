/**
 * What load on the admin API costs the data path: its p99 without and with it,
 * in turn, as a ratio of the same run.
 *
 *     deno task bench:admin [ROUNDS [SECONDS [LOAD]]]
 *
 * `LOAD`: those only whose name has it. Each load comes from a process of its
 * own (`admin_load.ts`), which would run on another machine; here it has the time
 * that the others leave (`SCHED_IDLE`), where `chrt` is at hand. How much of its
 * load came through is told too.
 */
import { Lines } from "../tests/e2e/lines.ts";
import { Parley } from "../tests/processes/parley.ts";
import { LineServer } from "../tests/processes/servers.ts";
import { allowing, PORT, words } from "../tests/processes/words.ts";
import { originOf } from "../tests/admin/client.ts";
import { onPath } from "../tests/setup/tool.ts";

const ROUNDS = Number(Deno.args[0] ?? 15);
const SECONDS = Number(Deno.args[1] ?? 2);
const ONLY = Deno.args[2] ?? "";
/** Connections that ask, each one question at a time. */
const CLIENTS = 4;
/** From a load's first word on. */
const WARM_MS = 500;

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

/** The command of a load, and what it is run by. */
function loading(load: readonly string[]): Deno.Command {
  const [command, ...args] = [
    ...onPath("chrt") ? ["chrt", "--idle", "0"] : [],
    ...[Deno.execPath(), "run", "-q", "--allow-net=127.0.0.1"],
    new URL("admin_load.ts", import.meta.url).pathname,
    ...[origin, ...load],
  ];
  return new Deno.Command(command!, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
}

/** The p99 under a load, and what the load says that it got in a second. */
async function under(load: readonly string[]) {
  const child = loading(load).spawn();
  const said = new Lines(child.stdout);
  try {
    await said.until((line) => line !== "", "word of the load");
    await new Promise((resolve) => setTimeout(resolve, WARM_MS));
    const from = said.length;
    const slowest = await p99();
    const got = said.all().slice(from).map(Number);
    return { slowest, got: got.reduce((sum, one) => sum + one, 0) / SECONDS };
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await said.done;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

await p99(); // the data path is warm from here on
for (const [name, load] of LOADS) {
  if (!name.includes(ONLY)) continue;
  const rows: { without: number; under: number; got: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // What else the machine does changes slowly: it meets both alike.
    const before = await p99();
    const { slowest, got } = await under(load);
    const after = await p99();
    rows.push({ without: (before + after) / 2, under: slowest, got });
  }
  const of = (key: "without" | "under" | "got") =>
    median(rows.map((row) => row[key]));
  const ratios = rows.map(({ without, under }) => under / without)
    .sort((a, b) => a - b);
  console.log(
    `${name}: p99 ${of("without").toFixed(2)} ms, ` +
      `under it ${of("under").toFixed(2)} ms, ` +
      `ratio ${median(ratios).toFixed(2)} (${
        ratios[Math.floor(ratios.length / 4)]!.toFixed(2)
      } to ${
        ratios[Math.floor(3 * ratios.length / 4)]!.toFixed(2)
      } in half of ${ROUNDS} rounds); ${
        of("got").toFixed(0)
      } a second came through`,
  );
}
