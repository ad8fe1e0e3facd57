/**
 * Serves each sidecar its own state over HTTPS.
 *
 * @module
 */
import type { ObjectName } from "../cluster/facts.ts";
import type { Cluster } from "../cluster/cluster.ts";

/** Whose token it is, or why it is none. */
export type Authentication =
  | { readonly namespace: string; readonly pod: string; readonly uid: string }
  | { readonly refused: string };

export interface SidecarServerOptions {
  readonly cluster: Cluster;
  /** Asks the API server whose token it is. A rejection is an answer that could not be had: the client is told to come again. */
  authenticate(token: string): Promise<Authentication>;
  /** PEM, asked for at each start and after {@linkcode SidecarServer.renew}. */
  readonly credentials: { readonly cert: string; readonly key: string };
  readonly hostname: string;
  readonly port: number;
  /** Milliseconds after which the token of a stream is asked for again. */
  readonly authenticateEvery?: number;
  info(message: string): void;
  warn(message: string): void;
}

/** For metrics. */
export interface SidecarServerCounts {
  /** Open now. */
  readonly streams: number;
  /** By reason, since the start. */
  readonly refused: Readonly<Record<string, number>>;
  /** Lines and bytes sent since the start. */
  readonly bytes: number;
}

export interface SidecarServer {
  readonly address: Deno.NetAddr;
  readonly counts: SidecarServerCounts;
  /** Pods whose sidecars have a stream now. */
  connected(): ObjectName[];
  /** Other credentials for connections from now on. */
  renew(credentials: SidecarServerOptions["credentials"]): void;
  close(): Promise<void>;
}

export function serveSidecars(
  _options: SidecarServerOptions,
): Promise<SidecarServer> {
  throw new Error("to be written");
}
