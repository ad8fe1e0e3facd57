/**
 * What a transport does: it accepts connections, dials their upstreams, moves
 * bytes between the sockets and a session, and knows nothing of protocols or
 * policies.
 *
 * @module
 */

/** Where to listen, or what to dial. */
export type Address =
  | {
    readonly transport: "tcp";
    readonly hostname: string;
    readonly port: number;
  }
  | { readonly transport: "unix"; readonly path: string };

/** Both ends of a connection that was taken from the listen queue. */
export interface Accepted {
  readonly source: SocketAddress;
  /** Where the client meant to go; the listener's own address without redirection. */
  readonly destination: SocketAddress;
  /** The destination is the listener itself. */
  readonly isOwn: boolean;
}

/** An IP address and port. */
export interface SocketAddress {
  readonly hostname: string;
  readonly port: number;
}

/** How a connection came to its end. The words stand in the access log. */
export type End =
  | "closed" // both sides had said all
  | "client-reset"
  | "upstream-reset"
  | "upstream-unreachable"
  | "connect-timeout"
  | "idle-timeout"
  | "drained"
  | "operator" // who asked for it
  | "refused"; // by Parley: policy, parser or limit

/** What a session may do to its connection. `reply` false: towards the upstream; true: towards the client. */
export interface Link {
  /** Queues bytes; they are copied. */
  write(reply: boolean, bytes: Uint8Array): void;
  /** Bytes of a direction that have not left yet. */
  queued(reply: boolean): number;
  /** Half-closes a direction once its queue has left. */
  end(reply: boolean): void;
  /** Reads no more from the client; replies go on until `close`, which a deadline brings about if nothing else does. */
  drain(end: End): void;
  /** Reads no more; sends what is queued, then closes both sockets. */
  close(end: End): void;
  /** What the session says of itself may have changed: whether it pauses, who reads it. */
  changed(): void;
}

/** What a connection's bytes are given to. None of its methods may throw. */
export interface Session {
  /** Takes what a peer sent; `bytes` are valid during the call only. `end`: it sends no more. */
  feed(reply: boolean, bytes: Uint8Array, end: boolean): void;
  /** Whether a direction should not be read for now. */
  paused(reply: boolean): boolean;
  /** Whether requests may bring replies of the session's own about: then they wait for a client that does not read. */
  readonly answers: boolean;
  /** Whose code gets to see the bytes: no two readers are shown bytes in one buffer. */
  readonly reader: object | undefined;
  /** The sockets are gone. `detail` is the system's own text, if it had any. */
  closed(end: End, detail?: string): void;
}

/** A new connection's session and where it goes; nothing if the connection is refused. */
export type Open = (
  accepted: Accepted,
  link: Link,
) => Opened | undefined;

/** A connection that may go on. */
export interface Opened {
  readonly session: Session;
  readonly upstream: Address;
  /** The address to dial from, if it is not to be this machine's (epoll transport only). */
  readonly from?: SocketAddress;
}

/** Times in milliseconds. */
export interface Timeouts {
  /** To reach the upstream. */
  readonly connect: number;
  /** Without a byte in either direction. */
  readonly idle: number;
}

/** Connections of one listening socket. */
export interface Listener {
  /** The address that was bound: the port is known even if 0 was asked for. */
  readonly address: Address;
  /** Live connections. */
  readonly connections: number;
  /** Accepts no more; live connections go on. */
  stop(): void;
  /** Ends every connection that still lives. */
  abort(end: End): void;
  /** Resolves when the last connection is gone after `stop`. */
  readonly finished: Promise<void>;
}

/** Moves bytes. */
export interface Transport {
  /** @throws {ParleyError} when the address cannot be bound */
  listen(address: Address, timeouts: Timeouts, open: Open): Listener;
}

/** An address as text: `host:port`, `[ipv6]:port` or `unix:path`. */
export function formatAddress(address: Address | SocketAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  const { hostname, port } = address;
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
