/**
 * What the end-to-end tests are made of: a real memcached, the real sidecar in
 * a process of its own, and clients of raw bytes. All listen on free loopback
 * ports, are ready when `start` resolves, and go with their block:
 *
 * ```ts ignore
 * await using memcached = await Memcached.start(tool);
 * await using sidecar = await Sidecar.start({ upstream: memcached.address });
 * using wire = await sidecar.connect();
 * assertEquals(await wire.ask("get a\r\n", "\r\n"), "END\r\n");
 * ```
 *
 * @module
 */
export { AccessLog, type LogLine } from "./access_log.ts";
export { Lines } from "./lines.ts";
export { Memcached } from "./memcached.ts";
export {
  memcachePolicy,
  type Rule,
  Sidecar,
  type SidecarOptions,
} from "./sidecar.ts";
export { ResettingUpstream, Upstream } from "./upstream.ts";
export { poll, within } from "./wait.ts";
export { cut, decode, encode, type Received, Wire } from "./wire.ts";

/** A count from the environment, for longer or shorter runs. */
export function countFrom(variable: string, usual: number): number {
  const text = Deno.env.get(variable);
  return text ? Number(text) : usual;
}

/** Does the same at several places at a time; waits for all, also when one fails. */
export async function inLanes<T>(
  count: number,
  work: (lane: number) => Promise<T>,
): Promise<T[]> {
  const lanes = Array.from({ length: count }, (_, lane) => work(lane));
  await Promise.allSettled(lanes);
  return await Promise.all(lanes);
}
