/**
 * The words that the policy folder and its callers share: subjects, peers, L7
 * rules, answers, and what the loader asks about L7 protocols.
 *
 * @module
 */

import type { Explanation } from "./explain.ts";
import type { NamedPort, Protocol } from "./port_range.ts";

export type { NamedPort, Protocol } from "./port_range.ts";

/** Which way a connection goes, seen from the workload that is guarded. */
export type Direction = "ingress" | "egress";

/** A fault that a parser found in one L7 rule. */
export interface RuleIssue {
  /** Inside the l7 map, such as `["keyRegex"]`. */
  readonly path: readonly (string | number)[];
  /** Such as `memcache.command`. */
  readonly code: string;
  readonly message: string;
  /** The next step, as an imperative. */
  readonly mend: string;
}

/** What the loader asks about L7 protocols; the proxy answers from its parsers. */
export interface L7Catalog {
  names(): readonly string[];
  has(proto: string): boolean;
  /** Checks one l7 map; never throws. */
  check(proto: string, rule: Readonly<Record<string, string>>): RuleIssues;
  /** Checks what only a whole list of l7 maps shows; paths begin in the list. Never throws. */
  checkList(
    proto: string,
    rules: readonly Readonly<Record<string, string>>[],
  ): RuleIssues;
}

/** What a parser has to say of rules. */
export interface RuleIssues {
  readonly errors: readonly RuleIssue[];
  readonly warnings: readonly RuleIssue[];
}

/** One map of an `l7` list, as it was written. */
export interface L7Rule {
  readonly ref: string;
  readonly raw: Readonly<Record<string, string>>;
}

/**
 * The l7 list of one toPorts item.
 *
 * The object's identity is stable for the life of a compiled policy, so that
 * compiled matchers can be cached by it. Without rules every request is
 * allowed, by `ref`.
 */
export interface L7Set {
  readonly proto: string;
  readonly ref: string;
  readonly rules: readonly L7Rule[];
}

/** The other end of a connection: its source at ingress, its destination at egress. */
export interface Peer {
  /** An IP address without port. */
  readonly address: string;
  /** Sorted, with their sources: `k8s:app=x`, `reserved:world`. */
  readonly labels: readonly string[];
  /** DNS names that lead to the address now: lower case, with a final dot. */
  readonly names?: readonly string[];
  /** Services that the address is behind. */
  readonly services?: readonly Service[];
  /** Names that it gives its ports; asked for at egress. */
  readonly ports?: readonly NamedPort[];
}

/** A service, as `toServices` selects it. */
export interface Service {
  readonly name: string;
  readonly namespace: string;
  /** With their sources, as those of peers. */
  readonly labels: readonly string[];
}

/** The workload that is guarded. */
export interface Subject {
  readonly labels: readonly string[];
  /** Names that it gives its ports; asked for at ingress. */
  readonly ports?: readonly NamedPort[];
}

/** Why a connection may not be. */
export interface Denied {
  readonly verdict: "denied";
  readonly reason: "no-rule" | "deny-rule";
  /** The deny entry, when one matched. */
  readonly rule?: string;
  /** Without one, the rule that denies what no entry allows. */
  readonly closedBy?: string;
  readonly enforced?: Access;
}

/** What is asked of the requests on a connection. */
export interface Allowed {
  readonly verdict: "allowed";
  /** The parser for the port, also for peers that only plain allows cover. */
  readonly proto?: string;
  /** Of the allow entries that match. */
  readonly sets: readonly L7Set[];
  /**
   * Set when an allow entry without L7 rules matches (`rule` is its ref), or
   * when no rule closes the direction (`rule` is absent).
   */
  readonly unrestricted?: { readonly rule?: string };
  readonly enforced?: Access;
}

/**
 * What a connection may do by all documents together.
 *
 * `enforced` is the same by the documents without those in audit mode, where
 * there are any for the workload: what they allow may pass, and what all
 * together would deny is logged as `audit` then.
 */
export type Access = Denied | Allowed;

/** A connection to judge. */
export interface Query {
  readonly subject: Subject;
  readonly direction: Direction;
  /** The destination port that the policy speaks of. */
  readonly port: number;
  /** TCP unless given. */
  readonly protocol?: Protocol;
  readonly peer: Peer;
}

/** All documents in force, as one value that never changes. */
export interface CompiledPolicy {
  /** Increases at every swap. */
  readonly version: number;
  resolve(query: Query): Access;
  /** Whether any rule selects the workload and denies, in that direction, what no rule allows. */
  guards(subject: Subject, direction: Direction): boolean;
  /** What `resolve` answers, and why, for people; not for the data path. */
  explain(query: Query): Explanation;
}
