/**
 * Runs the load generator.
 *
 * @module
 */
import type { Tool } from "../../tests/setup/mod.ts";
import { LOAD_CORE, type Process, type Processes } from "./processes.ts";
import type { Scenario } from "./scenarios.ts";

/** What the load generator found; latencies in µs. */
export interface LoadResult {
  /** Replies within the window that was measured. */
  readonly requests: number;
  /** Replies in all, with those of the warm-up. */
  readonly requestsInAll: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
  /** Connections that broke or got a wrong byte, and requests without a reply. */
  readonly errors: number;
  /** CPU time of the proxy within the window. */
  readonly cpuNs: number;
}

export interface LoadOptions {
  readonly port: number;
  /** The processes whose CPU time is told. */
  readonly ids: readonly number[];
  readonly warmupSeconds: number;
  readonly seconds: number;
}

/** Loads a port as the scenario says. @throws when connections cannot be set up */
export async function runLoad(
  processes: Processes,
  tool: Tool,
  scenario: Scenario,
  { port, ids, warmupSeconds, seconds }: LoadOptions,
): Promise<LoadResult> {
  await using process = processes.start({
    tool,
    core: LOAD_CORE,
    args: [
      ...["--port", String(port)],
      ...["--connections", String(scenario.connections)],
      ...["--depth", String(scenario.depth)],
      ...["--value-bytes", String(scenario.valueBytes)],
      ...(scenario.protocol === "cassandra" ? ["--cassandra"] : []),
      ...(scenario.asText ? ["--query"] : []),
      ...(scenario.rate ? ["--rate", String(scenario.rate)] : []),
      ...["--warmup", String(warmupSeconds), "--seconds", String(seconds)],
      ...(ids.length > 0 ? ["--cpu", ids.join(",")] : []),
    ],
  });
  await Promise.all([process.end, process.stdout.done, process.stderr.done]);
  const [line] = process.stdout.all();
  if (line === undefined) {
    throw new Error(`no load: ${process.stderr.all().join("\n")}`);
  }
  const result: LoadResult = JSON.parse(line);
  if (result.errors > 0) {
    throw new Error(
      `${result.errors} errors: ${process.stderr.all().join("\n")}`,
    );
  }
  return result;
}

/** Opens connections that did one request each, and holds them until it is disposed of. */
export async function holdIdle(
  processes: Processes,
  tool: Tool,
  port: number,
  connections: number,
): Promise<Process> {
  const process = processes.start({
    tool,
    core: LOAD_CORE,
    args: ["--port", String(port), "--connections", String(connections)]
      .concat("--idle"),
  });
  try {
    await process.stdout.until((line) => line.includes("idle"), "line of it");
    return process;
  } catch (cause) {
    await process[Symbol.asyncDispose]();
    const said = process.stderr.all().join("\n");
    throw new Error(`${connections} idle connections: ${said}`, { cause });
  }
}
