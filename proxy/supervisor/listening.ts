/**
 * The listening sockets. The supervisor makes and keeps them, so that the
 * connections that wait in their queues survive any worker.
 *
 * @module
 */
import { parseAddress } from "../../policy/cidr.ts";
import { ParleyError } from "../../proxylib/error.ts";
import type { ListenerConfig } from "../config/mod.ts";
import { thrownText } from "../thrown.ts";
import type { Sockets } from "../transport/epoll/sockets.ts";
import { lookUp } from "./names.ts";
import { type Address, formatAddress } from "../transport/transport.ts";

/** A bound socket, and the listener that it belongs to. */
export interface BoundSocket {
  readonly listener: ListenerConfig;
  readonly descriptor: number;
  /** `host:port` that was bound. */
  readonly address: string;
}

/** Binds a listener's socket. @throws {ParleyError} */
export async function bindListener(
  sockets: Sockets,
  listener: ListenerConfig,
): Promise<BoundSocket> {
  const { hostname, port } = listener.listen;
  const address: Address = {
    transport: "tcp",
    hostname: parseAddress(hostname) ? hostname : await addressOf(listener),
    port,
  };
  const descriptor = sockets.listen(address, listener.transparent);
  const bound = sockets.localAddress(descriptor)!;
  return { listener, descriptor, address: formatAddress(bound) };
}

async function addressOf({ listen }: ListenerConfig): Promise<string> {
  try {
    const [address] = await lookUp(listen.hostname);
    return address!;
  } catch (cause) {
    throw new ParleyError("Cannot listen", {
      blame: "operator",
      where: formatAddress(listen),
      found: thrownText(cause),
      mend: "write an IP address, or a name that this machine can resolve",
    }, { cause });
  }
}

/** Whether a listener's socket is what another one listens at. */
export function isSameSocket(a: ListenerConfig, b: ListenerConfig): boolean {
  const isSameAddress = a.listen.hostname === b.listen.hostname &&
    a.listen.port === b.listen.port && a.transparent === b.transparent;
  // Of free ports each listener has its own.
  return isSameAddress && (a.listen.port !== 0 || a.name === b.name);
}
