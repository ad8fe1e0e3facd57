/**
 * Reads one rule: its subject, and the entries of its four lists (policy
 * semantics, sections 2, 6 and 7).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import { readIcmps } from "./icmp.ts";
import type { Selector } from "./labels.ts";
import type { Direction } from "./model.ts";
import { readPeers, readRequired } from "./peers.ts";
import { EVERY_PORT } from "./port_range.ts";
import { readToPorts } from "./ports.ts";
import type { Entry, Rule, RuleDirection } from "./rule.ts";
import { isNamespaced, type Scope, siblingOf } from "./scope.ts";
import { readSelector, readSubject } from "./selector.ts";
import { reportUnsupported } from "./unsupported.ts";

const DIRECTIONS = ["ingress", "egress"] as const;

/**
 * Reads a rule, and reports what is wrong with it; wrong parts are left out.
 * `undefined` for a rule about nodes: it does not concern a workload.
 */
export function readRule(cursor: Cursor, scope: Scope): Rule | undefined {
  reportUnsupported(cursor);
  checkSubject(cursor, scope);
  warnOfIdleness(cursor);
  const node = cursor.get("nodeSelector");
  const subject = node.present
    ? readSelector(node)
    : readSubject(cursor.get("endpointSelector"), scope);
  const { yaml } = cursor.reporter;
  const rule: Rule = {
    ref: scope.refOf(cursor.path),
    path: cursor.path,
    placeOf: (path) => ({ file: yaml.file, line: yaml.keyAt(path).line }),
    subject,
    audits: scope.audits,
    ingress: readDirection(cursor, "ingress", scope, subject),
    egress: readDirection(cursor, "egress", scope, subject),
  };
  return node.present ? undefined : rule;
}

function checkSubject(rule: Cursor, scope: Scope): void {
  const node = rule.get("nodeSelector");
  const endpoint = rule.get("endpointSelector");
  if (node.present && isNamespaced(scope.kind)) {
    node.errorAtKey(
      "doc.node-in-cnp",
      `a ${scope.kind} cannot select nodes`,
      `use a ${siblingOf(scope.kind)}, or endpointSelector`,
    );
  } else if (node.present) {
    node.warnAtKey(
      "partly.nodes",
      "partly enforced: the rule is for nodes, and a sidecar guards workloads only",
      "leave it to the network plugin, or select workloads with endpointSelector",
    );
    checkHost(rule);
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

/** Of a node's traffic only DNS queries that leave it may be judged one by one. */
function checkHost(rule: Cursor): void {
  for (const direction of DIRECTIONS) {
    const items = rule.get(direction).items()
      .flatMap((entry) => entry.get("toPorts").items());
    for (const item of items) {
      const rules = item.get("rules");
      const types = direction === "egress"
        ? ["http", "kafka", "l7proto"]
        : ["http", "kafka", "l7proto", "dns"];
      if (!types.some((type) => rules.get(type).present)) continue;
      rules.errorAtKey(
        "host.l7",
        "a rule for nodes has L7 rules",
        "delete rules, or select workloads with endpointSelector",
      );
    }
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
  const required = (list: Cursor) =>
    list.items().flatMap((entry) =>
      readRequired(entry, direction, scope, subject)
    );
  // One side must not open the other: what is required of those who are let in
  // takes nobody out of a deny.
  const requires = { allow: required(allow), deny: required(deny) };
  const entries = [
    ...deny.items().flatMap(read("deny")),
    ...allow.items().flatMap(read("allow")),
  ];
  if (requires.allow.length + requires.deny.length > 0) {
    warnOfOthers(rule, direction, entries);
  }
  noteEveryPort(rule, entries);
  return {
    closes: closes ?? (allow.hasItems || deny.hasItems),
    requires,
    entries,
  };
}

/** Requirements narrow endpoints only, though Cilium's manual says otherwise. */
function warnOfOthers(
  rule: Cursor,
  direction: Direction,
  entries: readonly Entry[],
): void {
  const isNarrowed = entries.every(({ peers }) => {
    return peers !== "any" &&
      [peers.cidrs, peers.entities, peers.nodes, peers.names, peers.services]
        .every((list) => list.length === 0);
  });
  if (isNarrowed) return;
  rule.get(direction).warn(
    "peer.requires-others",
    "what is required narrows endpoints, not the other peers that stand beside it",
    "select these peers by label, or give them a rule of their own",
  );
}

/** Said once for all entries that name no ports. */
function noteEveryPort(rule: Cursor, entries: readonly Entry[]): void {
  const entry = entries.find(({ ports }) => ports === EVERY_PORT);
  if (entry === undefined) return;
  rule.reporter.add("note", entry.path, "value", {
    code: "partly.ports",
    message:
      "partly enforced: every port is meant, and a sidecar sees only those that are led through it",
    mend: "leave the other ports to the network plugin",
  });
}

function readEntry(
  cursor: Cursor,
  verdict: Entry["verdict"],
  direction: Direction,
  scope: Scope,
  subject: Selector,
): Entry[] {
  reportUnsupported(cursor);
  checkDeny(cursor, verdict);
  const peers = readPeers(cursor, direction, scope, subject);
  const toPorts = cursor.get("toPorts");
  const items = readToPorts(toPorts, verdict, direction, scope);
  // An entry about ICMP says nothing of connections.
  if (readIcmps(cursor)) return [];
  if (toPorts.hasItems) {
    return items.map((item) => ({ verdict, peers: peers ?? "any", ...item }));
  }
  if (peers === undefined) {
    warnOfEmptiness(cursor, verdict);
    return [];
  }
  const ref = scope.refOf(cursor.path);
  return [{ verdict, ref, path: cursor.path, peers, ports: EVERY_PORT }];
}

function checkDeny(entry: Cursor, verdict: Entry["verdict"]): void {
  const names = entry.get("toFQDNs");
  if (verdict === "allow" || !names.present) return;
  names.errorAtKey(
    "fqdn.deny",
    "names of DNS cannot be denied: an address may have others",
    "deny addresses with toCIDR, or allow the other names",
  );
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
