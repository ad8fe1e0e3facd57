/**
 * What the figures were had on.
 *
 * @module
 */
import { output } from "../../tests/setup/tool.ts";
import type { Tool } from "../../tests/setup/mod.ts";
import type { Ready } from "./measure.ts";

/** Facts by name; nothing that tells whose machine it is. */
export async function describeMachine(
  memcached: Tool,
  proxies: readonly Ready[],
): Promise<Record<string, string>> {
  const cpu = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const facts: Record<string, string> = {
    date: new Date().toISOString(),
    cpu: /^model name\s*: (.*)$/m.exec(cpu)?.[1] ?? Deno.build.arch,
    cores: String(navigator.hardwareConcurrency),
    kernel: Deno.osRelease(),
    load: Deno.loadavg().map((load) => load.toFixed(2)).join(" "),
    deno: Deno.version.deno,
    memcached: await version(memcached, "-V"),
  };
  for (const { kind, tool } of proxies) {
    if (kind.versionFlag && tool) {
      facts[kind.name] = await version(tool, kind.versionFlag);
    }
  }
  return facts;
}

async function version({ command, env }: Tool, flag: string): Promise<string> {
  const text = await output(command, [flag], { env }).catch(() => "");
  return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? "unknown";
}
