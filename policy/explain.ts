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
import { describeName } from "./dns_name.ts";
import type { Access, Allowed, Denied, L7Rule, L7Set, Query } from "./model.ts";
import {
  type CidrTest,
  factsOf,
  matchesCidr,
  matchesEntity,
  matchesName,
  matchesService,
  type PeerFacts,
  type PeerLists,
  type ServiceTest,
} from "./peer.ts";
import { coversPort, describePorts, type Target } from "./port_range.ts";
import {
  type Entry,
  type Place,
  type Requires,
  requiresOf,
  type Rule,
  withRequired,
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
  /** Whether its document is in audit mode. */
  readonly audits: boolean;
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
  const selecting = rules.filter((rule) => selects(rule.subject, subject));
  const required = requiresOf(selecting, query.direction);
  const facts: Facts = {
    query,
    subject,
    required,
    peer: factsOf(query.peer),
    target: targetOf(query),
  };
  const accounts = rules.map((rule) => accountOf(rule, facts));
  const { closedBy, protos } = summaryOf(accounts);
  return {
    access: accessOf(accounts, rules, facts),
    closedBy,
    protos,
    rules: accounts,
  };
}

/** What is asked, read once. */
interface Facts {
  readonly query: Query;
  readonly subject: LabelSet;
  readonly required: Requires;
  readonly peer: PeerFacts;
  readonly target: Target;
}

function targetOf(
  { direction, port, protocol = "TCP", subject, peer }: Query,
): Target {
  const destination = direction === "ingress" ? subject : peer;
  return { port, protocol, named: destination.ports ?? [] };
}

/** By all documents, and by those that are enforced where some are not. */
function accessOf(
  accounts: readonly RuleAccount[],
  rules: readonly Rule[],
  facts: Facts,
): Access {
  const selecting = accounts.filter(({ subject }) => subject.holds);
  const access = conclude(selecting);
  if (!selecting.some(({ audits }) => audits)) return access;
  const enforced = explain(rules.filter(({ audits }) => !audits), facts.query);
  return { ...access, enforced: enforced.access };
}

function summaryOf(accounts: readonly RuleAccount[]) {
  const closedBy = accounts.filter(({ subject, closes }) => {
    return subject.holds && closes;
  }).map(({ ref }) => ref);
  const protos = accounts.flatMap(({ entries }) => entries)
    .filter(({ port }) => port.holds)
    .flatMap(({ l7 }) => l7?.set.proto ?? []);
  return { closedBy, protos: [...new Set(protos)] };
}

function conclude(accounts: readonly RuleAccount[]): Denied | Allowed {
  const { closedBy, protos } = summaryOf(accounts);
  const applying = accounts.flatMap(({ entries }) => entries)
    .filter(({ applies }) => applies);
  const deny = applying.find(({ verdict }) => verdict === "deny");
  if (deny !== undefined) {
    return { verdict: "denied", reason: "deny-rule", rule: deny.ref };
  }
  const isOpen = closedBy.length === 0;
  const isAllowed = applying.length > 0 || isOpen;
  if (!isAllowed || protos.length > 1) {
    const closed = isOpen ? {} : { closedBy: closedBy[0]! };
    return { verdict: "denied", reason: "no-rule", ...closed };
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

function accountOf(rule: Rule, facts: Facts): RuleAccount {
  const { closes, entries } = rule[facts.query.direction];
  const isSelected = selects(rule.subject, facts.subject);
  return {
    ref: rule.ref,
    place: rule.placeOf(rule.path),
    subject: {
      holds: isSelected,
      text: isSelected
        ? describeSelector(rule.subject)
        : `needs ${describeFailures(rule.subject, facts.subject)}`,
    },
    closes,
    audits: rule.audits,
    entries: !isSelected ? [] : entries.map((entry) => {
      return entryAccountOf(rule, withRequired(entry, facts.required), facts);
    }),
  };
}

function entryAccountOf(rule: Rule, entry: Entry, facts: Facts): EntryAccount {
  const who = findPeer(entry, facts.peer);
  const where: Finding = {
    holds: coversPort(entry.ports, facts.target),
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
    place: rule.placeOf([...entry.path, "rules", listOf(entry.l7!), index]),
  }));
  return { ...account, l7: { set: entry.l7, rules } };
}

/** The key that the rules of a set stand under. */
function listOf({ proto, rules }: L7Set): string {
  return proto === "dns" && rules[0]?.ref.endsWith(".dns[0]") ? "dns" : "l7";
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
    ...peers.nodes.map((selector) => ({
      holds: selects(selector, peer.labels),
      text: `nodes ${describeSelector(selector)}`,
    })),
    ...peers.names.map((name) => ({
      holds: matchesName(name, peer),
      text: `address of ${describeName(name)}`,
    })),
    ...peers.services.map((service) => ({
      holds: matchesService(service, peer),
      text: `service ${describeService(service)}`,
    })),
  ];
  const fitting = found.find(({ holds }) => holds);
  if (fitting !== undefined) return fitting;
  if (found.length === 0) {
    return { holds: false, text: "nobody: the list of peers is empty" };
  }
  const texts = found.map(({ text }) => text).join(" or ");
  return { holds: false, text: texts + whyNot(peers, peer) };
}

/** A prefix that holds the address, and still does not fit, surprises people; so does a name. */
function whyNot({ cidrs, names }: PeerLists, peer: PeerFacts): string {
  if (names.length > 0 && peer.names.length === 0) {
    return " (no DNS name is known to lead to the peer)";
  }
  if (cidrs.length === 0 || (peer.isWorld && peer.host)) return "";
  return peer.isWorld
    ? " (the peer has no address)"
    : " (prefixes fit only addresses that have no identity)";
}

function describeService({ name, namespace, selector }: ServiceTest): string {
  const place = namespace === undefined ? "" : `${namespace}/`;
  const labels = selector && describeSelector(selector);
  return place + [name, labels].filter((text) => text !== undefined).join(": ");
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
