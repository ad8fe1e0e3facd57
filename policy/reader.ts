/**
 * Reads one rule: its subject, and the entries of its four lists (policy
 * semantics, sections 2, 6 and 7).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import type { Selector } from "./labels.ts";
import type { Direction } from "./model.ts";
import { readPeers } from "./peers.ts";
import { readToPorts } from "./ports.ts";
import {
  type Entry,
  EVERY_PORT,
  type Rule,
  type RuleDirection,
} from "./rule.ts";
import type { Scope } from "./scope.ts";
import { readSubject } from "./selector.ts";
import { reportUnsupported } from "./unsupported.ts";

const DIRECTIONS = ["ingress", "egress"] as const;

/** Reads a rule, and reports what is wrong with it; wrong parts are left out. */
export function readRule(cursor: Cursor, scope: Scope): Rule {
  reportUnsupported(cursor);
  checkSubject(cursor, scope);
  warnOfIdleness(cursor);
  const subject = readSubject(cursor.get("endpointSelector"), scope);
  const { yaml } = cursor.reporter;
  return {
    ref: scope.refOf(cursor.path),
    path: cursor.path,
    placeOf: (path) => ({ file: yaml.file, line: yaml.keyAt(path).line }),
    subject,
    ingress: readDirection(cursor, "ingress", scope, subject),
    egress: readDirection(cursor, "egress", scope, subject),
  };
}

function checkSubject(rule: Cursor, scope: Scope): void {
  const node = rule.get("nodeSelector");
  const endpoint = rule.get("endpointSelector");
  if (node.present && scope.kind === "CiliumNetworkPolicy") {
    node.errorAtKey(
      "doc.node-in-cnp",
      "a CiliumNetworkPolicy cannot select nodes",
      "use a CiliumClusterwideNetworkPolicy, or endpointSelector",
    );
  }
  if (node.present && endpoint.present) {
    rule.error(
      "rule.two-subjects",
      "the rule has both endpointSelector and nodeSelector",
      "delete nodeSelector",
    );
  }
  if (!node.present && !endpoint.present) {
    rule.error(
      "rule.no-subject",
      "the rule selects no workloads",
      "add endpointSelector; {} means all",
    );
  }
}

/** A rule without entries does nothing, though its name may promise to deny all. */
function warnOfIdleness(rule: Cursor): void {
  const isIdle = DIRECTIONS.every((direction) => {
    return !rule.get(direction).hasItems &&
      !rule.get(`${direction}Deny`).hasItems &&
      rule.get("enableDefaultDeny").get(direction).value !== true;
  });
  if (!isIdle) return;
  rule.warn(
    "rule.no-direction",
    "the rule has no entry in any direction, so it has no effect",
    "write ingress: [{}] or egress: [{}] to deny everything",
  );
}

function readDirection(
  rule: Cursor,
  direction: Direction,
  scope: Scope,
  subject: Selector,
): RuleDirection {
  const allow = rule.get(direction);
  const deny = rule.get(`${direction}Deny`);
  const closes = rule.get("enableDefaultDeny").get(direction).boolean();
  const read = (verdict: Entry["verdict"]) => (entry: Cursor) => {
    return readEntry(entry, verdict, direction, scope, subject);
  };
  return {
    closes: closes ?? (allow.hasItems || deny.hasItems),
    entries: [
      ...deny.items().flatMap(read("deny")),
      ...allow.items().flatMap(read("allow")),
    ],
  };
}

function readEntry(
  cursor: Cursor,
  verdict: Entry["verdict"],
  direction: Direction,
  scope: Scope,
  subject: Selector,
): Entry[] {
  reportUnsupported(cursor);
  const peers = readPeers(cursor, direction, scope, subject);
  const toPorts = cursor.get("toPorts");
  const items = readToPorts(toPorts, verdict, scope);
  if (toPorts.hasItems) {
    return items.map(({ ref, path, ranges, l7 }) => {
      const who = peers ?? "any";
      const entry = { verdict, ref, path, peers: who, ports: ranges };
      return l7 === undefined ? entry : { ...entry, l7 };
    });
  }
  if (peers === undefined) {
    warnOfEmptiness(cursor, verdict);
    return [];
  }
  const ref = scope.refOf(cursor.path);
  return [{ verdict, ref, path: cursor.path, peers, ports: EVERY_PORT }];
}

/** `{}` is the usual way to close a direction; an entry of nulls is a slip. */
function warnOfEmptiness(entry: Cursor, verdict: Entry["verdict"]): void {
  const keys = entry.keys();
  const isSlip = keys.length > 0 && keys.every((key) => {
    const written = entry.get(key);
    return !written.present || written.isEmptyList;
  });
  if (!isSlip) return;
  entry.warn(
    "entry.empty",
    `the entry names neither peers nor ports, so it ${
      verdict === "allow" ? "allows" : "denies"
    } nothing`,
    "list peers or ports, or write {} if that is meant",
  );
}
