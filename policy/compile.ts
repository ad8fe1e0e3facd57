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
  CompiledPolicy,
  Direction,
  L7Set,
  Query,
  Subject,
} from "./model.ts";
import { covers, type Entry, factsOf, matchesPeer, type Rule } from "./rule.ts";

/** Narrowed tables kept: one per workload, direction and port in use. */
const CACHE_LIMIT = 1024;

/** What is left of the rules for one subject, direction and port. */
interface Table {
  /** Whether what no entry allows is denied. */
  readonly closed: boolean;
  readonly denies: readonly Entry[];
  readonly allows: readonly Entry[];
  /** Every parser that an entry names: one, unless rules are in conflict. */
  readonly protos: readonly string[];
}

/** Makes a policy of all rules in force. */
export function compilePolicy(
  rules: readonly Rule[],
  version: number,
): CompiledPolicy {
  const cache = new Map<string, Table>();
  const tableOf = (query: Query): Table => {
    const { subject, direction, port } = query;
    const key = `${direction} ${port} ${subject.labels.join("\n")}`;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const table = narrow(rules, query);
    if (cache.size >= CACHE_LIMIT) cache.clear();
    cache.set(key, table);
    return table;
  };
  return Object.freeze({
    version,
    resolve: (query: Query) => decide(tableOf(query), query),
    guards(subject: Subject, direction: Direction) {
      const labels = parseLabels(subject.labels);
      return rules.some((rule) =>
        rule[direction].closes && selects(rule.subject, labels)
      );
    },
    explain: (query: Query) => explain(rules, query),
  });
}

function narrow(rules: readonly Rule[], query: Query): Table {
  const labels = parseLabels(query.subject.labels);
  const directions = rules.filter((rule) => selects(rule.subject, labels))
    .map((rule) => rule[query.direction]);
  const entries = directions.flatMap(({ entries }) => entries)
    .filter((entry) => covers(entry.ports, query.port));
  const protos = entries.flatMap((entry) => entry.l7?.proto ?? []);
  return {
    closed: directions.some(({ closes }) => closes),
    denies: entries.filter(({ verdict }) => verdict === "deny"),
    allows: entries.filter(({ verdict }) => verdict === "allow"),
    protos: [...new Set(protos)],
  };
}

function decide(table: Table, query: Query): Access {
  const peer = factsOf(query.peer);
  const deny = table.denies.find((entry) => matchesPeer(entry.peers, peer));
  if (deny !== undefined) {
    return { verdict: "denied", reason: "deny-rule", rule: deny.ref };
  }
  const matching = table.allows
    .filter((entry) => matchesPeer(entry.peers, peer));
  if (matching.length === 0 && table.closed) {
    return { verdict: "denied", reason: "no-rule" };
  }
  // The loader refuses rules that name two parsers for one port. It cannot do
  // so for a workload that it was not told of: then neither may be skipped.
  if (table.protos.length > 1) return { verdict: "denied", reason: "no-rule" };

  const [proto] = table.protos;
  return {
    verdict: "allowed",
    ...(proto === undefined ? {} : { proto }),
    sets: matching.flatMap((entry): L7Set[] =>
      entry.l7 === undefined ? [] : [entry.l7]
    ),
    ...unrestrictedBy(table, matching),
  };
}

/** A plain allow lifts L7 restrictions for its peer; so does an open direction. */
function unrestrictedBy(
  table: Table,
  matching: readonly Entry[],
): { unrestricted?: { rule?: string } } {
  const plain = matching.find((entry) => entry.l7 === undefined);
  if (plain !== undefined) return { unrestricted: { rule: plain.ref } };
  return table.closed ? {} : { unrestricted: {} };
}
