/**
 * Parley beside other proxies, on loopback: throughput, latency, CPU time,
 * memory. `--help` tells the options.
 *
 * @module
 */
import {
  memcachedServer,
  type Missing,
  type Tool,
} from "../../tests/setup/mod.ts";
import { missing, onPath, output } from "../../tests/setup/tool.ts";
import { cassandraUpstream, loadGenerator } from "./build.ts";
import { measureMemory, measureStarts } from "./footprint.ts";
import { describeMachine } from "./machine.ts";
import { available, type Bench, measureLoad } from "./measure.ts";
import { Neighbours } from "./neighbours.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { LOAD_CORE, Processes } from "./processes.ts";
import { PROXIES } from "./proxies.ts";
import { type Figures, judge } from "./ratios.ts";
import { disturbanceReport, report, tailReport } from "./report.ts";
import { type Protocol, type Scenario, SCENARIOS } from "./scenarios.ts";
import { measureTail } from "./tail.ts";
import { startCassandra, startMemcached } from "./upstream.ts";

/** Bytes of the values that Cassandra's stand-in has. */
const VALUE = SCENARIOS.executes.valueBytes;

/** @return exit code */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const memcached = await memcachedServer();
  const load = await loadGenerator();
  const cassandra = await cassandraUpstream();
  const lacking = [memcached, load, cassandra, cores()]
    .flatMap((need) => need.kind === "missing" ? [need.reason] : []);
  if (lacking.length > 0) {
    console.log(`skipped: ${lacking.join("; ")}`);
    return 0;
  }
  await using processes = new Processes();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      void processes[Symbol.asyncDispose]().finally(() => Deno.exit(130));
    });
  }
  await run(options, processes, {
    memcached: memcached as Tool,
    cassandra: cassandra as Tool,
    load: load as Tool,
  });
  return 0;
}

/** What gives each process its core. */
function cores(): Tool | Missing {
  const command = onPath("taskset");
  if (!command) return missing("taskset is not on PATH");
  if (navigator.hardwareConcurrency < 2) {
    return missing("there is one core, and the proxy needs one for itself");
  }
  return { kind: "tool", command, env: {} };
}

async function run(
  options: Options,
  processes: Processes,
  { memcached, cassandra, load }: Record<Protocol | "load", Tool>,
): Promise<void> {
  const { figures, tailSeconds } = options;
  const { ready, missing: skipped } = await available(
    PROXIES.filter(({ name }) => options.proxies.has(name)),
  );
  const machine = await describeMachine(memcached, ready);
  // This process stays off the proxies' core.
  await output("taskset", ["-a", "-p", "-c", `${LOAD_CORE}`, `${Deno.pid}`]);
  const neighbours = new Neighbours(processes);
  const own = (protocol: Protocol, upstream: number): Bench => ({
    ...options,
    processes,
    load,
    protocol,
    upstream,
    proxies: ready.filter(({ kind }) => (kind.reads ?? protocol) === protocol),
  });
  const bench = own("memcached", await startMemcached(processes, memcached));
  if (tailSeconds !== undefined) {
    const proxies = bench.proxies.filter(({ kind }) => kind.tail);
    const samples = await measureTail({
      ...bench,
      proxies,
      seconds: tailSeconds,
      warmupSeconds: Math.min(10, tailSeconds / 2), // until code is compiled
    });
    const { title } = SCENARIOS.paced;
    const disturbance = neighbours.soFar();
    console.log(tailReport(samples, `${title}, for ${tailSeconds} s`));
    console.log(disturbanceReport(disturbance));
    await save(options, { machine, disturbance, samples });
    return;
  }
  const scenarios: Scenario[] = Object.values(SCENARIOS)
    .filter(({ name }) => figures.has(name));
  const found: Figures = {
    starts: figures.has("start") ? await measureStarts(bench) : [],
    memory: figures.has("memory") ? await measureMemory(bench) : [],
    samples: [
      ...await measureLoad(
        bench,
        scenarios.filter(({ protocol }) => !protocol),
      ),
      ...await measureLoad(
        own("cassandra", await startCassandra(processes, cassandra, VALUE)),
        scenarios.filter(({ protocol }) => protocol === "cassandra"),
      ),
    ],
  };
  const disturbance = neighbours.soFar();
  console.log(report(found, scenarios, skipped, options.partly));
  console.log(disturbanceReport(disturbance));
  await save(options, {
    machine,
    disturbance,
    skipped: Object.fromEntries(skipped),
    ...found,
    judged: judge(found),
  });
}

async function save({ json, ...options }: Options, data: object) {
  if (json === undefined) return;
  const { rounds, seconds, warmupSeconds, tailSeconds } = options;
  const all = {
    options: { rounds, seconds, warmupSeconds, tailSeconds },
    ...data,
  };
  await Deno.writeTextFile(json, JSON.stringify(all, null, 2) + "\n");
}

Deno.exit(
  await main(Deno.args).catch((error) => {
    console.error(`bench: ${error.message}`);
    return 1;
  }),
);
