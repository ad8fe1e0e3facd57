import { ok as assert } from "node:assert/strict";

/** Lets this process, and so its children, open as many descriptors as it needs. */
export async function raiseDescriptors(needed: number): Promise<void> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits)!;
  if (Number(soft) >= needed) return;
  const { success } = await new Deno.Command("prlimit", {
    args: [
      `--pid=${Deno.pid}`,
      `--nofile=${needed}:${Math.max(needed, Number(hard))}`,
    ],
    stderr: "null",
  }).output();
  assert(success, `${needed} descriptors are needed: raise ulimit -n`);
}
