/**
 * Rules in, the answers to connections out (policy semantics, sections 7, 8
 * and 12).
 *
 * @module
 */
import { explain } from "./explain.ts";
import { parseLabels, selects } from "./labels.ts";
import type {
  Access,
  Allowed,
  CompiledPolicy,
  Denied,
  Direction,
  L7Set,
  Query,
  Subject,
} from "./model.ts";
import { factsOf, type PeerFacts } from "./peer.ts";
import { PeerIndex } from "./peer_index.ts";
import { coversPort, isName, type Target } from "./port_range.ts";
import { type Entry, requiresOf, type Rule, withRequired } from "./rule.ts";

/** Narrowed tables kept of a workload: one per direction and range of ports in use. */
const TABLES = 1024;
/** Answers kept of a table: one per combination of entries that fit some peer. */
const ANSWERS = 1024;

/** Entries of one verdict, and how to find those that fit a peer. */
interface Indexed {
  readonly entries: readonly Entry[];
  readonly peers: PeerIndex;
}

/** What is left of the rules for one subject, direction and port. */
interface Table {
  /** A rule that denies what no entry allows. */
  readonly closedBy: string | undefined;
  readonly denies: Indexed;
  readonly allows: Indexed;
  /** Every parser that an entry names: one, unless rules are in conflict. */
  readonly protos: readonly string[];
  /** At egress: entries for ports that only the peer can name. */
  readonly named: readonly Entry[];
}

/** The table of all documents, and of those that are not in audit mode, if some are. */
interface Tables {
  readonly all: Table;
  readonly enforced: Table | undefined;
  /**
   * Answers by the entries that fit. Peers of one kind get one object, so that
   * what is made of it can be kept by its identity.
   */
  readonly answers: Map<string, Access>;
}

/** The entries of a table that fit a peer. */
interface Fitting {
  readonly table: Table;
  readonly deny: Entry | undefined;
  readonly allows: readonly number[];
  readonly protos: readonly string[];
}

/** Makes a policy of all rules in force. */
export function compilePolicy(
  rules: readonly Rule[],
  version: number,
): CompiledPolicy {
  const cache = new WeakMap<Subject, Map<string, Tables>>();
  const borders = {
    ingress: bordersOf(rules, "ingress"),
    egress: bordersOf(rules, "egress"),
  };
  const tablesOf = (query: Query): Tables => {
    const { subject, direction, port, protocol = "TCP" } = query;
    const known = cache.get(subject) ?? new Map<string, Tables>();
    cache.set(subject, known);
    const from = borderBefore(borders[direction], subject, port);
    const key = `${direction} ${protocol} ${from}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= TABLES) known.clear();
    const tables = narrowAll(rules, query);
    known.set(key, tables);
    return tables;
  };
  return Object.freeze({
    version,
    resolve: (query: Query) => decide(tablesOf(query), query),
    guards(subject: Subject, direction: Direction) {
      const labels = parseLabels(subject.labels);
      return rules.some((rule) =>
        rule[direction].closes && selects(rule.subject, labels)
      );
    },
    explain: (query: Query) => explain(rules, query),
  });
}

/**
 * The ports at which coverage may change, in ascending order: between two of
 * them all ports are alike, so that clients cannot make up new tables by trying
 * ports.
 */
function bordersOf(
  rules: readonly Rule[],
  direction: Direction,
): readonly number[] {
  const borders = new Set([0]);
  for (const { ports } of rules.flatMap((rule) => rule[direction].entries)) {
    for (const test of ports) {
      if (isName(test)) continue;
      borders.add(test.first);
      borders.add(test.last + 1);
    }
  }
  return [...borders].sort((a, b) => a - b);
}

/** The last border up to a port; the ports that the workload names are borders too. */
function borderBefore(
  borders: readonly number[],
  { ports = [] }: Subject,
  port: number,
): number {
  let [low, high] = [0, borders.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (borders[middle]! <= port) low = middle;
    else high = middle;
  }
  let before = borders[low]!;
  for (const { port: named } of ports) {
    for (const border of [named, named + 1]) {
      if (border <= port && border > before) before = border;
    }
  }
  return before;
}

function narrowAll(rules: readonly Rule[], query: Query): Tables {
  const labels = parseLabels(query.subject.labels);
  const selecting = rules.filter((rule) => selects(rule.subject, labels));
  const enforced = selecting.filter(({ audits }) => !audits);
  return {
    all: narrow(selecting, query),
    enforced: enforced.length < selecting.length
      ? narrow(enforced, query)
      : undefined,
    answers: new Map(),
  };
}

function narrow(rules: readonly Rule[], query: Query): Table {
  const { direction } = query;
  const required = requiresOf(rules, direction);
  const target = targetOf(query, direction === "ingress");
  const covering: Entry[] = [];
  const named: Entry[] = [];
  for (const entry of rules.flatMap((rule) => rule[direction].entries)) {
    if (coversPort(entry.ports, target)) {
      covering.push(withRequired(entry, required));
    } else if (direction === "egress" && entry.ports.some(isName)) {
      const narrowed = withRequired(entry, required);
      covering.push(narrowed);
      named.push(narrowed);
    }
  }
  const of = (wanted: Entry["verdict"]): Indexed => {
    const entries = covering.filter(({ verdict }) => verdict === wanted);
    return { entries, peers: new PeerIndex(entries.map(({ peers }) => peers)) };
  };
  const isNamed = new Set(named);
  return {
    closedBy: rules.find((rule) => rule[direction].closes)?.ref,
    denies: of("deny"),
    allows: of("allow"),
    protos: protosOf(covering.filter((entry) => !isNamed.has(entry))),
    named,
  };
}

/** The port, and the names that the destination gives its ports as far as they are known. */
function targetOf(
  { port, protocol = "TCP", subject, peer, direction }: Query,
  isComplete: boolean,
): Target {
  const destination = direction === "ingress" ? subject : peer;
  return { port, protocol, named: isComplete ? destination.ports ?? [] : [] };
}

function protosOf(entries: readonly Entry[]): string[] {
  return [...new Set(entries.flatMap(({ l7 }) => l7?.proto ?? []))];
}

function decide(tables: Tables, query: Query): Access {
  const peer = factsOf(query.peer);
  const all = fit(tables.all, peer, query);
  const enforced = tables.enforced && fit(tables.enforced, peer, query);
  const key = `${keyOf(all)}/${enforced ? keyOf(enforced) : ""}`;
  const known = tables.answers.get(key);
  if (known !== undefined) return known;
  const answer: Access = {
    ...conclude(all),
    ...(enforced === undefined ? {} : { enforced: conclude(enforced) }),
  };
  if (tables.answers.size >= ANSWERS) tables.answers.clear();
  tables.answers.set(key, answer);
  return answer;
}

function fit(table: Table, peer: PeerFacts, query: Query): Fitting {
  const { denies, allows, named } = table;
  const hasNames = named.length > 0;
  const target = targetOf(query, true);
  const covers = (entry: Entry) => !hasNames || coversPort(entry.ports, target);
  const deny = denies.peers.find(peer)
    .find((at) => covers(denies.entries[at]!));
  const found = allows.peers.find(peer);
  return {
    table,
    deny: deny === undefined ? undefined : denies.entries[deny],
    allows: hasNames
      ? found.filter((at) => covers(allows.entries[at]!))
      : found,
    protos: hasNames
      ? [...new Set([...table.protos, ...protosOf(named.filter(covers))])]
      : table.protos,
  };
}

function keyOf({ deny, allows, protos }: Fitting): string {
  return deny === undefined ? `${protos} ${allows}` : deny.ref;
}

function conclude({ table, deny, allows, protos }: Fitting): Denied | Allowed {
  const { closedBy } = table;
  if (deny !== undefined) {
    return { verdict: "denied", reason: "deny-rule", rule: deny.ref };
  }
  // The loader refuses rules that name two parsers for one port. It cannot do
  // so for a workload that it was not told of: then neither may be skipped.
  const isAllowed = allows.length > 0 || closedBy === undefined;
  if (!isAllowed || protos.length > 1) {
    return {
      verdict: "denied",
      reason: "no-rule",
      ...(closedBy === undefined ? {} : { closedBy }),
    };
  }
  const entries = allows.map((at) => table.allows.entries[at]!);
  const [proto] = protos;
  return {
    verdict: "allowed",
    ...(proto === undefined ? {} : { proto }),
    sets: entries.flatMap(({ l7 }): L7Set[] => l7 === undefined ? [] : [l7]),
    ...unrestrictedBy(entries, closedBy),
  };
}

/** A plain allow lifts L7 restrictions for its peer; so does an open direction. */
function unrestrictedBy(
  entries: readonly Entry[],
  closedBy: string | undefined,
): { unrestricted?: { rule?: string } } {
  const plain = entries.find(({ l7 }) => l7 === undefined);
  if (plain !== undefined) return { unrestricted: { rule: plain.ref } };
  return closedBy === undefined ? { unrestricted: {} } : {};
}
