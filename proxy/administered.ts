/**
 * A running sidecar as its operator sees and steers it, whatever kind it is.
 *
 * @module
 */
import type { Lease } from "../policy/dns_cache.ts";
import type { Knowledge } from "../policy/identity_source.ts";
import type { Problem } from "../policy/problem.ts";
import type { FieldTexts } from "../proxylib/parser.ts";
import type { Config } from "./config/model.ts";
import type { LogFollower } from "./accesslog/followers.ts";
import type { LineFilter } from "./accesslog/line_filter.ts";
import type { Metrics } from "./counting/metrics.ts";
import type { PolicyState } from "./policy_history.ts";
import type { ParserStatus } from "./registry/registry.ts";
import type { QueryOptions } from "./trace/query.ts";
import type { TraceReport } from "./trace/report.ts";

/** Why a sidecar is not ready that was told to stop. */
export const STOPPING = "the sidecar is stopping";

/** What operators may ask of a sidecar, and have it do. */
export interface Administered {
  /** Every parser with its versions, by name. */
  parsers(): Promise<ParserState[]>;
  /**
   * Stages a parser again, or all of them, even if the files look unchanged.
   * Resolves when what came of it is in force: the state of those parsers;
   * empty if there is none of that name.
   *
   * @param signal once it is aborted, this is not begun any more
   * @throws {Error} when nothing could be judged; all stays as it was
   */
  reloadParsers(name?: string, signal?: AbortSignal): Promise<ParserState[]>;
  /** What is meant and what is in force, and how old what is known is. Counts are those of the last second. */
  status(): SidecarStatus;
  /** Why it should not be sent work now; nothing: it should. */
  unready(): string[];
  connections(filter?: ConnectionFilter): Promise<ConnectionList>;
  /** Ends connections; how many. */
  closeConnections(which: Which): Promise<number>;
  /** What is measured, as it is after the call; many callers are answered together. */
  metrics(): Promise<Metrics>;
  /** Lines of the access log from now on: what is written after the promise has resolved is not missed. */
  followLog(filter: LineFilter): Promise<LogFollower>;
  /** Those of the last lines that fit, the oldest first, without their line feeds; see `last_lines.ts`. */
  lastLines(filter: LineFilter): Promise<string[]>;
  /** What is known of the cluster, and of names. */
  knowledge(): SidecarKnowledge;
  /** The configuration that is followed. */
  config(): Config;
  /**
   * What the policy in force says of a connection, or of a request on it, and why.
   *
   * @param signal once it is aborted, this is not begun any more
   * @throws {WrongQuestion} when the question is wrong
   * @throws {TooManyWait} when many are asked already
   * @throws {ParleyError} when the parser fails
   */
  trace(question: TraceQuestion, signal?: AbortSignal): Promise<TraceReport>;
  /** Policies that are put in here; absent where they come from files only. */
  readonly policies?: AdministeredPolicies;
}

/** A connection, or a request on it, that may have been. */
export interface TraceQuestion extends QueryOptions {
  /** The parser that is meant, where the policy and the listeners do not say it. */
  readonly l7proto?: string;
  /** Fields of a request, as the access log shows them. */
  readonly l7?: FieldTexts;
}

/** Policies that operators put in by name. */
export interface AdministeredPolicies {
  list(): Promise<StoredPolicy[]>;
  get(name: string): Promise<PolicyText | undefined>;
  /**
   * Judges a text as a policy file, keeps it and has it in force.
   *
   * @param signal once it is aborted, this is not begun any more
   * @throws {Error} when it could not be judged, or not be kept
   */
  put(
    name: string,
    text: string,
    precondition: Precondition,
    signal?: AbortSignal,
  ): Promise<PolicyChange>;
  /** See {@linkcode AdministeredPolicies.put}. @throws {Error} when it could not be removed */
  delete(
    name: string,
    precondition: Precondition,
    signal?: AbortSignal,
  ): Promise<PolicyChange>;
}

/** A policy that was put in. */
export interface StoredPolicy {
  readonly name: string;
  /** Of its text: an entity tag of HTTP, with its quotes. */
  readonly etag: string;
  /** As its documents name it. */
  readonly file: string;
}

/** A policy with its text. */
export interface PolicyText {
  readonly name: string;
  readonly etag: string;
  readonly text: string;
}

/** Whether a change is meant for what is there now: its entity tag, or nothing if there is none. */
export type Precondition = (etag: string | undefined) => boolean;

/** What came of a change. All but the first changed nothing. */
export type PolicyChange =
  | {
    readonly outcome: "created" | "replaced";
    readonly etag: string;
    readonly file: string;
  }
  | { readonly outcome: "deleted" }
  /** There is none of the name. */
  | { readonly outcome: "absent" }
  | { readonly outcome: "unmet"; readonly etag?: string }
  /** `enforcement: never`: policies are not read. */
  | { readonly outcome: "not-enforced" }
  /** Its errors, and those that others would have because of it. */
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/** What identities are known, and what addresses names lead to. */
export interface SidecarKnowledge extends Knowledge {
  readonly names: readonly Lease[];
}

/** What the sidecar goes by. */
export interface SidecarStatus {
  /** Why it should not be sent work now; empty: it should. */
  readonly unready: readonly string[];
  readonly listeners: readonly ListenerState[];
  readonly policy: PolicyState;
  readonly parsers: readonly ParserState[];
  /** Where what is known of the cluster comes from, and of names. */
  readonly identities: readonly SourceState[];
}

/** A listener of the configuration. */
export interface ListenerState {
  readonly name: string;
  readonly direction: "ingress" | "egress";
  readonly state: "up" | "down";
  /** `host:port` that is bound. */
  readonly address?: string;
  /** The parser where no policy names one. */
  readonly l7proto?: string;
  /** Why it is not as it is configured. */
  readonly error?: string;
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

/** Which connections are meant: those of which all is so. */
export interface ConnectionFilter {
  readonly listener?: string;
  readonly direction?: ConnectionState["direction"];
  readonly l7proto?: string;
  /** `NAME@VERSION`. */
  readonly parser?: string;
  /** A host, or `host:port`. */
  readonly source?: string;
  readonly destination?: string;
}

/** Open connections. */
export interface ConnectionList {
  /** The oldest ones; not more than a thousand. */
  readonly connections: readonly ConnectionState[];
  /** How many there are that are meant. */
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

/** Connections that are meant: one, or all of which something is so; a filter that says nothing is none. */
export type Which =
  | { readonly id: number }
  | ConnectionFilter;

/** Not more connections are listed. */
export const LISTED_MAX = 1000;
