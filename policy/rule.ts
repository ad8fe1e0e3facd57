/**
 * Rules as the rest of the folder uses them, once a document has been read.
 *
 * @module
 */
import {
  type Address,
  contains,
  hostPrefix,
  parseAddress,
  type Prefix,
} from "./cidr.ts";
import {
  type LabelSet,
  parseLabels,
  type Selector,
  selects,
} from "./labels.ts";
import type { Direction, L7Set, Peer } from "./model.ts";
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
}

export interface RuleDirection {
  /** Whether what no entry allows is denied. */
  readonly closes: boolean;
  readonly entries: readonly Entry[];
}

/** One toPorts item of one ingress or egress entry, or an entry without any. */
export interface Entry {
  readonly verdict: "allow" | "deny";
  readonly ref: string;
  /** Where it stands in its YAML document. */
  readonly path: Path;
  readonly peers: PeerTest;
  /** Of TCP; empty when it speaks of other protocols only. */
  readonly ports: readonly PortRange[];
  readonly l7?: L7Set;
}

/** Both ends are in the range. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const EVERY_PORT: readonly PortRange[] = [{ first: 0, last: 65535 }];

export function covers(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** Whom an entry speaks of: anybody, or whoever fits one of the lists. */
export type PeerTest = "any" | {
  readonly selectors: readonly Selector[];
  readonly cidrs: readonly CidrTest[];
  readonly entities: readonly Entity[];
};

export interface CidrTest {
  readonly prefix: Prefix;
  readonly except: readonly Prefix[];
}

export const ENTITIES = [
  "all",
  "world",
  "world-ipv4",
  "world-ipv6",
  "cluster",
  "host",
  "remote-node",
  "kube-apiserver",
  "ingress",
  "init",
  "health",
  "unmanaged",
  "none",
] as const;

export type Entity = typeof ENTITIES[number];

/** What peer tests ask about a peer, read once per connection. */
export interface PeerFacts {
  readonly labels: LabelSet;
  /** Without a cluster identity: only then do CIDRs match. */
  readonly isWorld: boolean;
  readonly address?: Address;
}

export function factsOf(peer: Peer): PeerFacts {
  const labels = parseLabels(peer.labels);
  const isWorld = labels.some(({ source, key }) => {
    return source === "reserved" && /^world(-ipv[46])?$/.test(key);
  });
  const address = parseAddress(peer.address);
  return { labels, isWorld, ...(address === undefined ? {} : { address }) };
}

export function matchesPeer(test: PeerTest, peer: PeerFacts): boolean {
  if (test === "any") return true;
  return test.selectors.some((selector) => selects(selector, peer.labels)) ||
    test.cidrs.some((cidr) => matchesCidr(cidr, peer)) ||
    test.entities.some((entity) => matchesEntity(entity, peer));
}

export function matchesCidr(test: CidrTest, peer: PeerFacts): boolean {
  if (!peer.isWorld || peer.address === undefined) return false;
  const host = hostPrefix(peer.address);
  return contains(test.prefix, host) &&
    !test.except.some((prefix) => contains(prefix, host));
}

export function matchesEntity(entity: Entity, peer: PeerFacts): boolean {
  switch (entity) {
    case "all":
      return true;
    case "none":
      return false;
    case "world":
      return peer.isWorld;
    case "world-ipv4":
      return peer.isWorld && peer.address?.family === 4;
    case "world-ipv6":
      return peer.isWorld && peer.address?.family === 6;
    case "cluster":
      return !peer.isWorld;
    default: // a static identity may carry the entity's reserved label
      return peer.labels.some(({ source, key }) => {
        return source === "reserved" && key === entity;
      });
  }
}
