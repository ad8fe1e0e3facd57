/**
 * What the supervisor's processes may reach: workers their upstreams, checkers
 * nothing.
 *
 * @module
 */
import type { Config } from "../config/mod.ts";
import type { SandboxOptions } from "../sandbox/spawn.ts";
import { CHECKER, WORKER } from "./programs.ts";

/** Where things lie. */
interface Places {
  /** The folder with the versions of parsers. */
  readonly snapshots: string;
  /** The `deno.json` of the program. */
  readonly program: string;
}

export function checkerSandbox(config: Config, places: Places): SandboxOptions {
  return {
    ...common(config, places),
    entry: CHECKER,
    args: [urlOf(places.snapshots)],
    connect: [],
    bind: [],
  };
}

export function workerSandbox(config: Config, places: Places): SandboxOptions {
  const { listeners, limits } = config;
  const isTproxy = listeners.some(({ transparent }) =>
    transparent === "tproxy"
  );
  return {
    ...common(config, places),
    entry: WORKER,
    args: [urlOf(places.snapshots), String(limits.workerBytes)],
    connect: portsOf(listeners),
    bind: isTproxy ? "any" : [],
  };
}

function common({ limits }: Config, { snapshots, program }: Places) {
  return {
    heapMb: Math.ceil(limits.workerBytes / (1024 * 1024)),
    read: [snapshots],
    config: program,
  };
}

function urlOf(folder: string): string {
  return new URL(`file://${folder}/`).href;
}

/** TCP ports that workers dial; `any` where they are not known before. */
function portsOf(listeners: Config["listeners"]): number[] | "any" {
  const ports = new Set<number>();
  for (const { upstream } of listeners) {
    if (upstream === "original-dst") return "any";
    if (upstream.transport === "tcp") ports.add(upstream.port);
  }
  return [...ports].sort((a, b) => a - b);
}
