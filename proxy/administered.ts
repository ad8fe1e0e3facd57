/**
 * A running sidecar as its operator sees and steers it, whatever kind it is.
 *
 * @module
 */
import type { PolicyState } from "./policy_history.ts";
import type { ParserStatus } from "./registry/registry.ts";

/** What operators may ask of a sidecar, and have it do. */
export interface Administered {
  /** Every parser with its versions, by name. */
  parsers(): Promise<ParserState[]>;
  /**
   * Stages a parser again, or all of them, even if the files look unchanged.
   * Resolves when what came of it is in force: the state of those parsers;
   * empty if there is none of that name.
   *
   * @throws {Error} when nothing could be judged; all stays as it was
   */
  reloadParsers(name?: string): Promise<ParserState[]>;
  /** What is in force, and how old what is known is. */
  status(): Promise<SidecarStatus>;
  connections(): Promise<ConnectionList>;
  /** Ends connections; how many. */
  closeConnections(which: Which): Promise<number>;
}

/** What the sidecar goes by. */
export interface SidecarStatus {
  readonly policy: PolicyState;
  /** Where what is known of the cluster comes from, and of names. */
  readonly identities: readonly SourceState[];
}

/** A source of identities. */
export interface SourceState {
  readonly name: string;
  /** `stale`: it was lost, and what it knew last counts. */
  readonly state: "starting" | "live" | "stale";
  /** Milliseconds since what it knows was last known to be true; absent before it has said anything. */
  readonly ageMs?: number;
  /** Why it is not live. */
  readonly error?: string;
}

/** A parser, with the versions of it that matter now. */
export interface ParserState extends ParserStatus {
  /** Newest first: the one that serves, the newest if it was refused, and those that still have connections or had panics. */
  readonly versions: readonly VersionState[];
}

/** A version of a parser. */
export interface VersionState {
  /** The first characters of the hash. */
  readonly version: string;
  /** SHA-256 of its files, in hex; absent if it is not known any more. */
  readonly hash?: string;
  /** `former`: it served, and another one does now. `idle`: it serves as soon as a listener or a policy names it. */
  readonly state: "serving" | "former" | "refused" | "idle";
  /** When it was loaded, or refused (RFC 3339); absent if it is not known any more. */
  readonly since?: string;
  /** Open now. */
  readonly connections: number;
  /** Connections that it ended by throwing, ever. */
  readonly panics: number;
  /** Why it was refused. */
  readonly refused?: string;
}

/** Open connections. */
export interface ConnectionList {
  /** The oldest ones; not more than a thousand. */
  readonly connections: readonly ConnectionState[];
  /** How many there are. */
  readonly total: number;
}

/** An open connection. */
export interface ConnectionState {
  /** As the access log has it. */
  readonly id: number;
  /** The name of its listener. */
  readonly listener: string;
  readonly direction: "ingress" | "egress";
  readonly source: string;
  readonly destination: string;
  /** Absent: the bytes pass unread. */
  readonly l7proto?: string;
  /** `NAME@VERSION` of the parser that reads the bytes. */
  readonly parser?: string;
  /** Milliseconds since it was accepted. */
  readonly ageMs: number;
  readonly bytesForward: number;
  readonly bytesReply: number;
}

/** Connections that are meant: one, or all on a version of a parser (`NAME@VERSION`). */
export type Which =
  | { readonly id: number }
  | { readonly parser: string };

/** Not more connections are listed. */
export const LISTED_MAX = 1000;
