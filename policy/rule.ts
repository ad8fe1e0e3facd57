/**
 * Rules as the rest of the folder uses them, once a document has been read.
 *
 * @module
 */
import type { Selector } from "./labels.ts";
import type { Direction, L7Set } from "./model.ts";
import type { PeerTest } from "./peer.ts";
import type { PortTest } from "./port_range.ts";
import type { Path } from "./problem.ts";

/** A line of a policy file. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** A policy for the workloads that `subject` selects. */
export interface Rule extends Readonly<Record<Direction, RuleDirection>> {
  readonly ref: string;
  /** Where it stands in its YAML document. */
  readonly path: Path;
  /** Where a path of the document is written. */
  placeOf(path: Path): Place;
  readonly subject: Selector;
  /** Of a document in audit mode: what it would deny is logged, and passes. */
  readonly audits: boolean;
}

export interface RuleDirection {
  /** Whether what no entry allows is denied. */
  readonly closes: boolean;
  readonly requires: Requires;
  readonly entries: readonly Entry[];
}

/** One toPorts item of one ingress or egress entry, or an entry without any. */
export interface Entry {
  readonly verdict: "allow" | "deny";
  readonly ref: string;
  /** Where it stands in its YAML document. */
  readonly path: Path;
  readonly peers: PeerTest;
  readonly ports: readonly PortTest[];
  readonly l7?: L7Set;
}

/** What the endpoints of every allow entry for the subject, and of every deny entry, must fit too, whichever rule it is of. */
export type Requires = Readonly<Record<Entry["verdict"], Selector>>;

/** What all rules for a subject require together. */
export function requiresOf(
  rules: readonly Rule[],
  direction: Direction,
): Requires {
  const all = rules.map((rule) => rule[direction].requires);
  return {
    allow: all.flatMap(({ allow }) => allow),
    deny: all.flatMap(({ deny }) => deny),
  };
}

/** The entry with what all rules for its subject require of endpoints (policy semantics, section 4). */
export function withRequired(entry: Entry, requires: Requires): Entry {
  const { peers, verdict } = entry;
  const required = requires[verdict];
  if (required.length === 0 || peers === "any") return entry;
  const selectors = peers.selectors
    .map((selector) => [...selector, ...required]);
  return { ...entry, peers: { ...peers, selectors } };
}
