/**
 * Who the other end of a connection is, and whom an entry speaks of (policy
 * semantics, sections 4 and 12).
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
import { fitsName, type NameTest } from "./dns_name.ts";
import {
  type LabelSet,
  parseLabels,
  type Selector,
  selects,
} from "./labels.ts";
import type { Peer, Service } from "./model.ts";

/** Whom an entry speaks of: anybody, or whoever fits one of the lists. */
export type PeerTest = "any" | PeerLists;

export interface PeerLists {
  readonly selectors: readonly Selector[];
  readonly cidrs: readonly CidrTest[];
  readonly entities: readonly Entity[];
  /** Of nodes; each also asks for `reserved:remote-node`. */
  readonly nodes: readonly Selector[];
  readonly names: readonly NameTest[];
  readonly services: readonly ServiceTest[];
}

export interface CidrTest {
  readonly prefix: Prefix;
  readonly except: readonly Prefix[];
}

/** One item of `toServices`: all that is present must hold. */
export interface ServiceTest {
  readonly name?: string;
  /** Absent: in any namespace. */
  readonly namespace?: string;
  /** Over the labels of the service itself. */
  readonly selector?: Selector;
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
  /** Without a cluster identity: only then do CIDRs and names match. */
  readonly isWorld: boolean;
  /** Its address as a prefix of full length. */
  readonly host?: Prefix;
  readonly family?: Address["family"];
  readonly names: readonly string[];
  readonly services: readonly Service[];
}

const NONE: readonly never[] = Object.freeze([]);

export function factsOf(peer: Peer): PeerFacts {
  const labels = parseLabels(peer.labels);
  const isWorld = labels.some(({ source, key }) => {
    return source === "reserved" && /^world(-ipv[46])?$/.test(key);
  });
  const address = parseAddress(peer.address);
  return {
    labels,
    isWorld,
    ...(address === undefined
      ? {}
      : { host: hostPrefix(address), family: address.family }),
    names: peer.names ?? NONE,
    services: peer.services ?? NONE,
  };
}

export function matchesCidr(test: CidrTest, peer: PeerFacts): boolean {
  const { host } = peer;
  if (!peer.isWorld || host === undefined) return false;
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
      return peer.isWorld && peer.family === 4;
    case "world-ipv6":
      return peer.isWorld && peer.family === 6;
    case "cluster":
      return !peer.isWorld;
    default: // an identity may carry the entity's reserved label
      return peer.labels.some(({ source, key }) => {
        return source === "reserved" && key === entity;
      });
  }
}

/** Names stand for addresses outside the cluster only. */
export function matchesName(test: NameTest, peer: PeerFacts): boolean {
  return peer.isWorld && peer.names.some((name) => fitsName(test, name));
}

export function matchesService(test: ServiceTest, peer: PeerFacts): boolean {
  return peer.services.some((service) => {
    return (test.name === undefined || test.name === service.name) &&
      (test.namespace === undefined || test.namespace === service.namespace) &&
      (test.selector === undefined ||
        selects(test.selector, parseLabels(service.labels)));
  });
}
