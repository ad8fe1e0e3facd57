/**
 * Why a connection is decided as it is: every rule, and which of its tests hold
 * (policy semantics, section 12).
 *
 * It reads the rules anew, step by step, where `resolve` reads narrowed tables;
 * a property test holds the two together.
 *
 * @module
 */
import { formatPrefix } from "./cidr.ts";
import {
  describeRequirement,
  holds,
  type LabelSet,
  parseLabels,
  type Selector,
  selects,
} from "./labels.ts";
import type { Access, L7Rule, L7Set, Query } from "./model.ts";
import {
  type CidrTest,
  covers,
  type Entry,
  EVERY_PORT,
  factsOf,
  matchesCidr,
  matchesEntity,
  type PeerFacts,
  type Place,
  type PortRange,
  type Rule,
} from "./rule.ts";

export type { Place } from "./rule.ts";

/** The rules considered for one query, and what they come to. */
export interface Explanation {
  /** The same as `resolve` answers. */
  readonly access: Access;
  /** Refs of the rules that close the direction: what nothing allows is denied then. */
  readonly closedBy: readonly string[];
  /** The parsers that entries for the port name: one, unless rules are in conflict. */
  readonly protos: readonly string[];
  readonly rules: readonly RuleAccount[];
}

/** One test: whether it holds, and of what. */
export interface Finding {
  readonly holds: boolean;
  readonly text: string;
}

export interface RuleAccount {
  readonly ref: string;
  readonly place: Place;
  readonly subject: Finding;
  /** Whether it closes the direction for those whom it selects. */
  readonly closes: boolean;
  /** Of the direction; none when the rule is for other workloads. */
  readonly entries: readonly EntryAccount[];
}

export interface EntryAccount {
  readonly ref: string;
  readonly place: Place;
  readonly verdict: "allow" | "deny";
  readonly peer: Finding;
  readonly port: Finding;
  /** Both hold. */
  readonly applies: boolean;
  readonly l7?: L7Account;
}

/** The l7 list of an entry; without rules it allows every request. */
export interface L7Account {
  readonly set: L7Set;
  readonly rules: readonly (L7Rule & { readonly place: Place })[];
}

/** Goes through all rules. */
export function explain(rules: readonly Rule[], query: Query): Explanation {
  const subject = parseLabels(query.subject.labels);
  const peer = factsOf(query.peer);
  const accounts = rules.map((rule) => {
    return accountOf(rule, query, subject, peer);
  });
  const entries = accounts.flatMap(({ entries }) => entries);
  const closedBy = accounts.filter(({ subject, closes }) => {
    return subject.holds && closes;
  }).map(({ ref }) => ref);
  const protos = entries.filter(({ port }) => port.holds)
    .flatMap(({ l7 }) => l7?.set.proto ?? []);
  const facts = { closedBy, protos: [...new Set(protos)], rules: accounts };
  return { access: conclude(entries, facts), ...facts };
}

function conclude(
  entries: readonly EntryAccount[],
  { closedBy, protos }: Omit<Explanation, "access">,
): Access {
  const applying = entries.filter(({ applies }) => applies);
  const deny = applying.find(({ verdict }) => verdict === "deny");
  if (deny !== undefined) {
    return { verdict: "denied", reason: "deny-rule", rule: deny.ref };
  }
  const isOpen = closedBy.length === 0;
  const isAllowed = applying.length > 0 || isOpen;
  if (!isAllowed || protos.length > 1) {
    return { verdict: "denied", reason: "no-rule" };
  }
  const plain = applying.find(({ l7 }) => l7 === undefined);
  const unrestricted = plain !== undefined
    ? { rule: plain.ref }
    : isOpen
    ? {}
    : undefined;
  return {
    verdict: "allowed",
    ...(protos.length === 1 ? { proto: protos[0]! } : {}),
    sets: applying.flatMap(({ l7 }) => l7 === undefined ? [] : [l7.set]),
    ...(unrestricted === undefined ? {} : { unrestricted }),
  };
}

function accountOf(
  rule: Rule,
  { direction, port }: Query,
  subject: LabelSet,
  peer: PeerFacts,
): RuleAccount {
  const { closes, entries } = rule[direction];
  const isSelected = selects(rule.subject, subject);
  return {
    ref: rule.ref,
    place: rule.placeOf(rule.path),
    subject: {
      holds: isSelected,
      text: isSelected
        ? describeSelector(rule.subject)
        : `needs ${describeFailures(rule.subject, subject)}`,
    },
    closes,
    entries: !isSelected ? [] : entries.map((entry) => {
      return entryAccountOf(rule, entry, port, peer);
    }),
  };
}

function entryAccountOf(
  rule: Rule,
  entry: Entry,
  port: number,
  peer: PeerFacts,
): EntryAccount {
  const who = findPeer(entry, peer);
  const where: Finding = {
    holds: covers(entry.ports, port),
    text: describePorts(entry.ports),
  };
  const account = {
    ref: entry.ref,
    place: rule.placeOf(entry.path),
    verdict: entry.verdict,
    peer: who,
    port: where,
    applies: who.holds && where.holds,
  };
  if (entry.l7 === undefined) return account;
  const rules = entry.l7.rules.map((l7, index) => ({
    ...l7,
    place: rule.placeOf([...entry.path, "rules", "l7", index]),
  }));
  return { ...account, l7: { set: entry.l7, rules } };
}

/** Whether the peer is one of those listed: which, or who they are. */
function findPeer({ peers }: Entry, peer: PeerFacts): Finding {
  if (peers === "any") return { holds: true, text: "any peer" };
  const found = [
    ...peers.selectors.map((selector) => ({
      holds: selects(selector, peer.labels),
      text: describeSelector(selector),
    })),
    ...peers.cidrs.map((cidr) => ({
      holds: matchesCidr(cidr, peer),
      text: describeCidr(cidr),
    })),
    ...peers.entities.map((entity) => ({
      holds: matchesEntity(entity, peer),
      text: `entity ${entity}`,
    })),
  ];
  const fitting = found.find(({ holds }) => holds);
  if (fitting !== undefined) return fitting;
  if (found.length === 0) {
    return { holds: false, text: "nobody: the list of peers is empty" };
  }
  const texts = found.map(({ text }) => text).join(" or ");
  return { holds: false, text: texts + whyNoPrefix(peers.cidrs, peer) };
}

/** A prefix that holds the address, and still does not fit, surprises people. */
function whyNoPrefix(cidrs: readonly CidrTest[], peer: PeerFacts): string {
  if (cidrs.length === 0 || (peer.isWorld && peer.address)) return "";
  return peer.isWorld
    ? " (the peer has no address)"
    : " (prefixes fit only addresses that have no identity)";
}

function describeSelector(selector: Selector): string {
  return selector.length === 0
    ? "everything ({})"
    : selector.map(describeRequirement).join(", ");
}

function describeFailures(selector: Selector, labels: LabelSet): string {
  return selector.filter((requirement) => !holds(requirement, labels))
    .map(describeRequirement).join(", ");
}

function describeCidr({ prefix, except }: CidrTest): string {
  const less = except.map(formatPrefix).join(", ");
  return formatPrefix(prefix) + (less === "" ? "" : ` except ${less}`);
}

function describePorts(ranges: readonly PortRange[]): string {
  if (ranges.length === 0) return "no port of TCP";
  if (ranges.includes(EVERY_PORT[0]!)) return "every port";
  return ranges.map(({ first, last }) => {
    return first === last ? `${first}` : `${first}-${last}`;
  }).join(", ");
}
