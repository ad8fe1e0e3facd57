/**
 * Whether a sidecar rests.
 *
 * @module
 */
import { poll } from "../e2e/harness.ts";
import type { Parley } from "../processes/parley.ts";

/** What counts as rest: this share of one processor, over so long. */
const SHARE = 0.05;
const PERIOD_MS = 1000;

/** Until all processes of a sidecar together use next to nothing. */
export async function idle(parley: Parley): Promise<void> {
  await poll(async () => {
    const before = await used(parley);
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
    const share = (await used(parley) - before) / (performance.now() - start);
    return share < SHARE ? share : undefined;
  }, () => "rest of the sidecar");
}

/** Milliseconds of processor time. */
async function used(parley: Parley): Promise<number> {
  const pids = [parley.pid, ...await parley.workers()];
  const times = await Promise.all(pids.map(usedBy));
  return times.reduce((sum, time) => sum + time, 0);
}

/** See proc_pid_stat(5): user and system time, in ticks of 10 ms. */
async function usedBy(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  // The second field is a name in parentheses, which may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
}
