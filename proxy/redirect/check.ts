/**
 * What the self-check finds, and what its parts share.
 *
 * @module
 */
import type { ProbeSockets } from "./probe_sockets.ts";
import type { Proc } from "./proc.ts";
import { runProgram } from "./programs.ts";
import { type Counter, type Redirect, TABLE } from "./rules.ts";

/** One finding. A warning is something not proven, or worth knowing. */
export interface Check {
  readonly outcome: "ok" | "warning" | "failed";
  readonly text: string;
}

export const ok = (text: string): Check => ({ outcome: "ok", text });
export const warning = (text: string): Check => ({ outcome: "warning", text });
export const failed = (text: string): Check => ({ outcome: "failed", text });

/** What the checks look through. */
export interface Eyes {
  readonly sockets: ProbeSockets;
  readonly proc: Proc;
  readonly redirect: Redirect;
}

/** Counts of the table in force; 0 for a counter that is not there. */
export type Counts = Readonly<Record<Counter, number>>;

/** @throws {ParleyError} when `nft` or the table is not there */
export async function counts(): Promise<Counts> {
  const args = ["-j", "list", "counters", "table", ...TABLE.split(" ")];
  return parseCounts(await runProgram("nft", args));
}

/** The answer of `nft -j list counters` (libnftables-json(5)). */
export function parseCounts(json: string): Counts {
  const { nftables } = JSON.parse(json) as {
    nftables: { counter?: { name: string; packets: number } }[];
  };
  const found = nftables.flatMap(({ counter }) =>
    counter ? [[counter.name, counter.packets] as const] : []
  );
  return {
    ingress_taken: 0,
    egress_taken: 0,
    own_passed: 0,
    udp_dropped: 0,
    ...Object.fromEntries(found),
  };
}
