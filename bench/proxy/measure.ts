/**
 * Measures every proxy in every scenario, round by round.
 *
 * @module
 */
import type { Missing, Tool } from "../../tests/setup/mod.ts";
import { lostLines } from "./access_log.ts";
import { type LoadResult, runLoad } from "./load.ts";
import { deniesOthers, ENFORCED, type Enforced } from "./parley.ts";
import type { Processes } from "./processes.ts";
import {
  type Proxy,
  type ProxyKind,
  type ProxyName,
  startProxy,
} from "./proxies.ts";
import { type Protocol, type Scenario, SCENARIOS } from "./scenarios.ts";

/** What everything is measured with. */
export interface Bench {
  readonly processes: Processes;
  readonly load: Tool;
  readonly protocol: Protocol;
  /** Port of the upstream. */
  readonly upstream: number;
  /** What to measure, with its program; `direct` has none. */
  readonly proxies: readonly Ready[];
  /** How often everything is measured. */
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Between a start, or a change, and a look at the memory. */
  readonly settleMs: number;
}

/** A proxy that can be started. */
export interface Ready {
  readonly kind: ProxyKind;
  readonly tool: Tool | undefined;
}

/** One measurement. */
export interface Sample extends LoadResult {
  /** From 0. */
  readonly round: number;
  readonly scenario: string;
  readonly proxy: ProxyName;
  /** CPU time of all processes of the proxy, user and system, in µs. */
  readonly cpuPerRequest: number;
  /** Share of its core that the proxy used, 0 to 1; below 1 the other core is what limits. */
  readonly cpuShare: number;
  /** Access-log lines that were not written. */
  readonly lostLines: number;
}

/** Separates what can be measured from what cannot, with the reasons. */
export async function available(
  kinds: readonly ProxyKind[],
): Promise<{ ready: Ready[]; missing: Map<ProxyName, string> }> {
  const ready: Ready[] = [];
  const missing = new Map<ProxyName, string>();
  for (const kind of kinds) {
    const tool: Tool | Missing | undefined = await kind.tool?.();
    if (tool?.kind === "missing") missing.set(kind.name, tool.reason);
    else ready.push({ kind, tool });
  }
  return { ready, missing };
}

/**
 * All proxies run all the time. Within a round each scenario meets one proxy
 * right after the other, beginning with another one in each round: what drifts
 * on the machine meets all of them.
 */
export async function measureLoad(
  bench: Bench,
  scenarios: readonly Scenario[],
): Promise<Sample[]> {
  const { processes, upstream, rounds, protocol } = bench;
  if (scenarios.length === 0) return [];
  const proxies: Proxy[] = [];
  for (const { kind, tool } of bench.proxies) {
    const proxy = await startProxy(processes, kind, tool, upstream);
    proxies.push(proxy);
    const enforced = enforcedBy(kind);
    if (enforced && !await deniesOthers(enforced, proxy.port)) {
      throw new Error(`${kind.title} does not enforce its policy`);
    }
    await measure(bench, proxy, WARMUPS[protocol]);
  }
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    const order = proxies.map((_, i) => proxies[(i + round) % proxies.length]!);
    for (const scenario of scenarios) {
      console.error(`round ${round + 1} of ${rounds}: ${scenario.title}`);
      for (const proxy of order) {
        const sample = await measure(bench, proxy, scenario);
        samples.push({ round, ...sample });
      }
    }
  }
  for (const { process } of proxies) await process?.[Symbol.asyncDispose]();
  return samples;
}

/** What a proxy meets first, so that its code is compiled. */
const WARMUPS: Readonly<Record<Protocol, Scenario>> = {
  memcached: SCENARIOS.sixteen,
  cassandra: SCENARIOS.executes,
};

function enforcedBy({ name }: ProxyKind): Enforced | undefined {
  return (ENFORCED as Partial<Record<ProxyName, Enforced>>)[name];
}

/** Loads one proxy once. */
export async function measure(
  { processes, load, seconds, warmupSeconds }: Bench,
  { kind, port, process, accessLog }: Proxy,
  scenario: Scenario,
): Promise<Omit<Sample, "round">> {
  const ids = process?.ids ?? [];
  const result = await runLoad(processes, load, scenario, {
    port,
    ids,
    seconds,
    warmupSeconds,
  }).catch((cause) => {
    throw new Error(`${kind.title}, ${scenario.title}: ${cause.message}`);
  });
  const left = process?.ids ?? [];
  if (!ids.every((id) => left.includes(id))) {
    throw new Error(`${kind.title}, ${scenario.title}: a process of it ended`);
  }
  const enforced = enforcedBy(kind);
  const lines = enforced
    ? result.requestsInAll + enforced.lines * scenario.connections
    : 0;
  return {
    ...result,
    scenario: scenario.name,
    proxy: kind.name,
    cpuPerRequest: result.cpuNs / 1_000 / result.requests,
    cpuShare: result.cpuNs / 1e9 / result.seconds,
    lostLines: accessLog ? await lostLines(accessLog, lines) : 0,
  };
}
