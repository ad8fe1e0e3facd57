/**
 * Lists of ports in annotations.
 *
 * @module
 */
import { ALL_PORTS, type PortRange } from "../../proxy/redirect/ports.ts";

/** Ports to redirect. `all` leaves out what the sidecar itself listens on. */
export type Ports = "all" | readonly PortRange[];

/** A port at which the sidecar listens for one of the workload's. */
export interface StaticPort {
  readonly listen: number;
  readonly workload: number;
}

/** `9042,11211-11213`; nothing if it is no such list. */
export function readRanges(text: string): PortRange[] | undefined {
  const ranges = text.split(",").map((part) => {
    const [, from, to] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to ?? from)];
    const fits = from !== undefined && isPort(first) && isPort(last) &&
      first <= last;
    return fits ? { first, last } : undefined;
  });
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

/** `11311:11211,…`; nothing if it is no such list. */
export function readStatic(text: string): StaticPort[] | undefined {
  const pairs = text.split(",").map((part) => {
    const [, from, to] = /^\s*(\d{1,5}):(\d{1,5})\s*$/.exec(part) ?? [];
    const [listen, workload] = [Number(from), Number(to)];
    const fits = from !== undefined && isPort(listen) && isPort(workload);
    return fits ? { listen, workload } : undefined;
  });
  return pairs.every((pair) => pair !== undefined) ? pairs : undefined;
}

/** As annotations and `parley redirect` have them. */
export function writePorts(ports: Ports): string {
  if (ports === "all") return "all";
  return ports.map(({ first, last }) =>
    first === last ? `${first}` : `${first}-${last}`
  ).join(",");
}

function isPort(port: number): boolean {
  return port >= ALL_PORTS.first && port <= ALL_PORTS.last;
}
