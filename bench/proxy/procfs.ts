/**
 * What the kernel tells in /proc.
 *
 * @module
 */

/** Proportional set size of processes in bytes: a page shared by n counts as 1/n in each. */
export function pss(ids: readonly number[]): number {
  return ids.reduce((sum, id) => {
    const rollup = readProc(`${id}/smaps_rollup`) ?? "";
    const [, kib] = /^Pss:\s+(\d+) kB$/m.exec(rollup) ?? [];
    if (kib === undefined && stat(id)) {
      throw new Error(`the memory of process ${id} cannot be read`);
    }
    return sum + 1024 * Number(kib ?? 0);
  }, 0);
}

/** How many descriptors a process may have open. */
export function descriptorLimit(): number {
  const limits = readProc("self/limits") ?? "";
  const [, hard] = /^Max open files\s+\S+\s+(\d+)/m.exec(limits) ?? [];
  return Number(hard ?? Infinity);
}

/** A process and all that it started, and they. */
export function withDescendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? stat(Number(name))?.parent : undefined;
    if (parent === undefined) continue;
    children.set(parent, [...children.get(parent) ?? [], Number(name)]);
  }
  const found = [root];
  for (const id of found) found.push(...children.get(id) ?? []);
  return found;
}

/** Tells a process from a later one of the same id. */
export function startTime(id: number): string | undefined {
  return stat(id)?.start;
}

/** CPU time in clock ticks that processes have had, with that of ended children they waited for. */
export function cpuTicks(ids: readonly number[]): number {
  return ids.reduce((sum, id) => sum + (stat(id)?.ticks ?? 0), 0);
}

/** What all cores did since the machine started, in clock ticks. */
export function machineTicks(): { busy: number; stolen: number; all: number } {
  const line = readProc("stat")!.split("\n")[0]!;
  const [user, nice, system, idle, iowait, irq, softirq, steal] = line
    .split(/ +/).slice(1).map(Number) as [number, ...number[]];
  const busy = user + nice! + system! + irq! + softirq!;
  return { busy, stolen: steal!, all: busy + idle! + iowait! + steal! };
}

/** Fields 4, 14 to 17 and 22 of /proc/ID/stat, counted behind the name, which may hold blanks. */
function stat(
  id: number,
): { parent: number; ticks: number; start: string } | undefined {
  const text = readProc(`${id}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    parent: Number(fields[1]),
    ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0),
    start: fields[19]!,
  };
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return undefined; // it has ended
  }
}
