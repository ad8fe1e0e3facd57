/**
 * The tail of latencies under a steady rate, over a time in which garbage is
 * collected often.
 *
 * @module
 */
import { type Bench, measure, type Sample } from "./measure.ts";
import { startProxy } from "./proxies.ts";
import { SCENARIOS } from "./scenarios.ts";

/** One proxy after the other, each for all the seconds of the bench. */
export async function measureTail(bench: Bench): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const { kind, tool } of bench.proxies) {
    console.error(`${bench.seconds} s: ${kind.title}`);
    const proxy = await startProxy(bench.processes, kind, tool, bench.upstream);
    const sample = await measure(bench, proxy, SCENARIOS.paced);
    await proxy.process?.[Symbol.asyncDispose]();
    samples.push({ round: 0, ...sample });
  }
  return samples;
}
