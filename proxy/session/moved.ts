/**
 * A session on its way to another process: what is said of it, as plain data.
 *
 * @module
 */
import type { MovedRequest } from "./request_times.ts";
import type { Accepted, Address } from "../transport/transport.ts";

/** One direction of a stream. */
export interface MovedHalf {
  /** Bytes decided but not yet here, and what becomes of them. */
  readonly carry: number;
  readonly carryPasses: boolean;
  /** Undecided bytes. */
  readonly held: Uint8Array;
  /** Injected bytes that wait for the frame boundary. */
  readonly injected: readonly Uint8Array[];
  readonly ending: boolean;
  readonly ended: boolean;
}

/** A stream, and what its parser remembers. */
export interface MovedStream {
  /** The client's first bytes are still to be looked at. */
  readonly guard: boolean;
  readonly request: MovedHalf;
  readonly response: MovedHalf;
  readonly snapshot: unknown;
}

/** A session. */
export interface MovedSession {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly bytesForward: number;
  readonly bytesReply: number;
  readonly accepted: Accepted;
  readonly upstream: Address;
  /** The DNS names of the peer. */
  readonly names: readonly string[];
  /** Why it would have ended, were it not for audit mode. */
  readonly audited: string | undefined;
  readonly proto: string | undefined;
  /** The version that reads it. */
  readonly parser: string | undefined;
  /** Requests without an answer. */
  readonly requests: readonly MovedRequest[];
  /** Absent before the first byte, and without a parser. */
  readonly stream: MovedStream | undefined;
}
