/**
 * Two L7 protocols on one port: a stream has one parser, so one of two rules
 * that name different ones would go unenforced (policy semantics, section 8).
 *
 * @module
 */
import { formatSelector, parseLabels, selects } from "./labels.ts";
import type { Direction, L7Set, Subject } from "./model.ts";
import type { Reporter } from "./cursor.ts";
import { quote } from "./problem.ts";
import { overlap, type PortTest } from "./port_range.ts";
import type { Entry, Rule } from "./rule.ts";

/** A toPorts item that names a parser for its ports. */
export interface Claim {
  /** The document's place in the list. */
  readonly document: number;
  readonly entry: Entry;
  readonly l7: L7Set;
}

/** Two claims on one port; both may be of one document. */
export interface Conflict {
  /** By its number, or by its name. */
  readonly port: number | string;
  readonly earlier: Claim;
  readonly later: Claim;
}

/**
 * The first conflict among rules that can select one workload.
 *
 * Which workloads there are is known only where the sidecar runs. With
 * `subjects`, rules are compared that select one of them. Without (a plain
 * check of files), only rules with equal selectors are compared: any two
 * others may or may not meet in a workload, and a refusal on suspicion would
 * refuse sound policies.
 */
export function findConflict(
  documents: readonly { readonly rules: readonly Rule[] }[],
  subjects: readonly Subject[],
): Conflict | undefined {
  for (const direction of ["ingress", "egress"] as const) {
    for (const claims of groupsOf(documents, subjects, direction)) {
      const conflict = conflictAmong(claims);
      if (conflict !== undefined) return conflict;
    }
  }
  return undefined;
}

/** Reports a conflict where the claim that gives way is written. */
export function reportConflict(
  reporter: Reporter,
  { port, earlier, later }: Conflict,
  loser: Claim,
): void {
  const [one, other] = [earlier, later].map(({ l7 }) => {
    return `${quote(l7.proto)} by ${l7.ref}`;
  });
  const { path } = loser.entry;
  const type = loser.l7.proto === "dns" ? "dns" : "l7proto";
  reporter.add("error", [...path, "rules", type], "value", {
    code: "merge.l7-type",
    message: `port ${port} is ${one} and ${other}`,
    mend: "give the port one type of L7 rules in all rules for the workload",
  });
}

function groupsOf(
  documents: readonly { readonly rules: readonly Rule[] }[],
  subjects: readonly Subject[],
  direction: Direction,
): Claim[][] {
  const rules = documents.flatMap((document, index) => {
    return document.rules.map((rule) => ({ rule, index }));
  });
  const claimsOf = (chosen: typeof rules) => {
    return chosen.flatMap(({ rule, index }) => {
      return rule[direction].entries.flatMap((entry): Claim[] => {
        if (entry.l7 === undefined) return [];
        return [{ document: index, entry, l7: entry.l7 }];
      });
    });
  };
  if (subjects.length > 0) {
    return subjects.map((subject) => {
      const labels = parseLabels(subject.labels);
      return claimsOf(
        rules.filter(({ rule }) => selects(rule.subject, labels)),
      );
    });
  }
  const bySelector = Map.groupBy(
    rules,
    ({ rule }) => formatSelector(rule.subject),
  );
  return [...bySelector.values()].map(claimsOf);
}

function conflictAmong(claims: readonly Claim[]): Conflict | undefined {
  // Of claims to the same ports the first speaks for all: a policy may have
  // thousands.
  const earlier = new Map<string, Map<string, Claim>>();
  for (const later of claims) {
    const { entry, l7 } = later;
    for (const [proto, known] of earlier) {
      if (proto === l7.proto) continue;
      for (const claim of known.values()) {
        const port = commonPort(claim.entry.ports, entry.ports);
        if (port !== undefined) return { port, earlier: claim, later };
      }
    }
    const known = earlier.get(l7.proto) ?? new Map<string, Claim>();
    earlier.set(l7.proto, known);
    const key = JSON.stringify(entry.ports);
    if (!known.has(key)) known.set(key, later);
  }
  return undefined;
}

function commonPort(
  a: readonly PortTest[],
  b: readonly PortTest[],
): number | string | undefined {
  for (const one of a) {
    for (const other of b) {
      const port = overlap(one, other);
      if (port !== undefined) return port;
    }
  }
  return undefined;
}
