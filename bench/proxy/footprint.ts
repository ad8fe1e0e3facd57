/**
 * Memory and start of each proxy, freshly started.
 *
 * @module
 */
import type { Tool } from "../../tests/setup/mod.ts";
import { holdIdle } from "./load.ts";
import type { Bench, Ready } from "./measure.ts";
import { delay, type Processes } from "./processes.ts";
import { pss } from "./procfs.ts";
import { type ProxyName, startProxy } from "./proxies.ts";
import { IDLE_CONNECTIONS } from "./scenarios.ts";

/** Memory of all processes of a proxy. */
export interface Memory {
  readonly proxy: ProxyName;
  /** Freshly started, without a connection, in bytes. */
  readonly atRest: number;
  /** With all the idle connections, in bytes. */
  readonly withIdle: number;
  readonly idleConnections: number;
  /** The difference, for each of them, in bytes. The kernel's socket buffers are not in it. */
  readonly perConnection: number;
}

/** One start. */
export interface StartSample {
  readonly round: number;
  readonly proxy: ProxyName;
  /** From the spawn until it said that it listens, else until it accepted. */
  readonly ms: number;
}

export async function measureMemory(bench: Bench): Promise<Memory[]> {
  const { processes, load, upstream, settleMs } = bench;
  const found: Memory[] = [];
  for (const { kind, tool } of proxiesOf(bench)) {
    console.error(`memory: ${kind.title}`);
    const own = tool.command === Deno.execPath()
      ? await ownDeno(processes)
      : tool;
    const proxy = await startProxy(processes, kind, own, upstream);
    await using process = proxy.process!;
    await delay(settleMs);
    const atRest = pss(process.ids);
    await using idle = await holdIdle(
      processes,
      load,
      proxy.port,
      IDLE_CONNECTIONS,
    );
    await delay(settleMs);
    const withIdle = pss(process.ids);
    await idle.closeInput();
    found.push({
      proxy: kind.name,
      atRest,
      withIdle,
      idleConnections: IDLE_CONNECTIONS,
      perConnection: (withIdle - atRest) / IDLE_CONNECTIONS,
    });
  }
  return found;
}

export async function measureStarts(bench: Bench): Promise<StartSample[]> {
  const samples: StartSample[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    for (const { kind, tool } of proxiesOf(bench)) {
      const { process, startMs } = await startProxy(
        bench.processes,
        kind,
        tool,
        bench.upstream,
      );
      await process![Symbol.asyncDispose]();
      samples.push({ round, proxy: kind.name, ms: startMs });
    }
  }
  return samples;
}

/** All but `direct`. */
function proxiesOf({ proxies }: Bench): (Ready & { tool: Tool })[] {
  return proxies.flatMap(({ kind, tool }) => tool ? [{ kind, tool }] : []);
}

/**
 * A copy of this program. This process, and whatever else runs on Deno here,
 * shares the pages of the installed one with Parley, which would then count only
 * a part of them as its own.
 */
async function ownDeno({ folder }: Processes): Promise<Tool> {
  const bin = await Deno.makeTempDir({ dir: folder });
  await Deno.copyFile(Deno.execPath(), `${bin}/deno`);
  const path = `${bin}:${Deno.env.get("PATH") ?? ""}`;
  return { kind: "tool", command: `${bin}/deno`, env: { PATH: path } };
}
