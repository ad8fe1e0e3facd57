/**
 * What a session is given by the engine around it.
 *
 * @module
 */
import type { Shared } from "parley/proxylib";
import type { CompiledPolicy, Peer, Subject } from "../../policy/mod.ts";
import type { TakeLine } from "../accesslog/format.ts";
import type { FieldHasher } from "../accesslog/hashed_fields.ts";
import type { Traffic } from "../counting/traffic.ts";
import type { Mode } from "../matcher.ts";
import type { LoadedParser } from "../registry/registry.ts";
import type { Address } from "../transport/transport.ts";
import type { ProxySession } from "./session.ts";

/** Where a connection goes, and whom it concerns. */
export interface Route {
  readonly upstream: Address;
  /** The port that the policy speaks of. */
  readonly port: number;
  /** The workload that is guarded. */
  readonly subject: Subject;
}

/** What the sessions of a listener need of the engine around them. It follows the configuration. */
export interface SessionContext {
  /** The name of the listener. */
  readonly listener: string;
  readonly direction: "ingress" | "egress";
  /** The protocol to read when no policy names one. */
  readonly l7proto: string | undefined;
  readonly mode: Mode;
  /** Whether replies are logged too. */
  readonly logResponses: boolean;
  /** Most bytes held of a frame, per direction. */
  readonly frameBytes: number;
  policy(): CompiledPolicy;
  peerOf(address: string): Peer;
  parser(name: string): LoadedParser | undefined;
  /** What the connections that a parser reads to an upstream know in common. */
  shared(parser: string, upstream: string): Shared;
  /** Milliseconds since the epoch, with a fraction. */
  now(): number;
  readonly log: TakeLine;
  /** Hashes fields of log lines, if any are to be hashed. */
  readonly hasher?: FieldHasher | undefined;
  /** What all connections of the process count. */
  readonly traffic: Traffic;
  /** A connection stays with the parser's older version: the newer one could not take it over. */
  notRestored(from: LoadedParser, to: LoadedParser, cause: unknown): void;
  /** The connection is over. */
  ended(session: ProxySession): void;
}
