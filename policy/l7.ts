/**
 * Reads the L7 rules of a toPorts item (policy semantics, sections 5, 6 and 9).
 *
 * @module
 */
import { type Cursor, isMapping } from "./cursor.ts";
import type {
  Direction,
  L7Rule,
  L7Set,
  RuleIssue,
  RuleIssues,
} from "./model.ts";
import { exactly, matching, type NameTest } from "./dns_name.ts";
import { readNames } from "./names.ts";
import { nearMiss, oneOf, quote } from "./problem.ts";
import type { Scope } from "./scope.ts";

/** Cilium's own L7 types, which have keys of their own beside l7proto. */
const OWN_TYPES = ["http", "kafka"];

/** Reads `rules`; `undefined` when it restricts nothing or is wrong. */
export function readL7(
  rules: Cursor,
  ref: string,
  direction: Direction,
  scope: Scope,
): L7Set | undefined {
  const own = OWN_TYPES.map((type) => rules.get(type))
    .filter((type) => type.present);
  for (const type of own) readOwnType(type, scope);

  const proto = rules.get("l7proto");
  const list = rules.get("l7");
  const dns = rules.get("dns");
  const types = [...own, dns, proto].filter((type) => {
    return type.present && !type.isEmptyList;
  });
  if (types.length > 1) {
    const names = types.map((type) => String(type.path.at(-1)));
    rules.error(
      "l7.two-types",
      `the rules are of more than one type: ${names.join(", ")}`,
      "keep one type, and give the others toPorts items of their own",
    );
  }
  if (!proto.present) {
    if (dns.present) return readDns(dns, ref, direction);
    if (list.present) {
      list.errorAtKey(
        "l7.no-proto",
        "l7 is written without l7proto",
        "add l7proto with the name of a parser",
      );
    }
    return undefined;
  }
  const name = proto.text();
  if (name === undefined) return undefined;
  if (!scope.catalog.has(name)) {
    reportUnknown(proto, name, scope);
    return undefined;
  }
  if (!list.present) {
    proto.warn(
      "l7.no-list",
      `no l7 list stands beside l7proto ${
        quote(name)
      }: every request is allowed and logged`,
      "add l7, or write l7: [{}] to say so",
    );
  }
  const read = list.items().map((rule, index) => {
    return readRule(rule, `${ref}.l7[${index}]`, name, scope);
  });
  if (read.length > 0) {
    const rules = read.map(({ raw }) => raw);
    reportIssues(list, scope.catalog.checkList(name, rules));
  }
  return Object.freeze({ proto: name, ref, rules: Object.freeze(read) });
}

/** The rules that DNS queries are judged by; what they ask about is read here, as `toFQDNs` is. */
function readDns(
  dns: Cursor,
  ref: string,
  direction: Direction,
): L7Set | undefined {
  if (direction === "ingress") {
    dns.errorAtKey(
      "l7.direction",
      "dns rules judge queries that leave a workload, and stand in an ingress entry",
      "move them to egress",
    );
  }
  if (dns.isEmptyList) {
    warnOfEmptyList(dns);
    return undefined;
  }
  const rules = dns.items().map((item, index): L7Rule => {
    readNames(item, "either");
    const texts = ["matchName", "matchPattern"].flatMap((key) => {
      const text = item.get(key).text();
      return text === undefined ? [] : [[key, text] as const];
    });
    const raw = Object.freeze(Object.fromEntries(texts));
    return Object.freeze({ ref: `${ref}.dns[${index}]`, raw });
  });
  return Object.freeze({ proto: "dns", ref, rules: Object.freeze(rules) });
}

/** What a `dns` rule asks of a name: either test, if it has two. */
export function readTests({ raw }: L7Rule): NameTest[] {
  const { matchName, matchPattern } = raw;
  return [
    ...(matchName === undefined ? [] : [exactly(matchName)]),
    ...(matchPattern === undefined ? [] : [matching(matchPattern)]),
  ];
}

function warnOfEmptyList(type: Cursor): void {
  type.warn(
    "l7.empty-list",
    `the empty list of ${
      type.path.at(-1)
    } restricts nothing: every request is allowed`,
    "list rules, or delete the key",
  );
}

function readOwnType(type: Cursor, scope: Scope): void {
  const name = String(type.path.at(-1));
  if (type.isEmptyList) warnOfEmptyList(type);
  else if (scope.catalog.has(name)) {
    type.errorAtKey(
      "unsupported",
      `rules of the key ${name} are known to Cilium, but Parley enforces those of l7proto only`,
      `write l7proto: ${name} with an l7 list`,
    );
  } else {
    type.errorAtKey(
      "l7.unknown-proto",
      `rules of the key ${name} are known to Cilium, but Parley has no ${name} parser`,
      "leave the port to the network plugin, or allow it without L7 rules",
    );
  }
}

function reportUnknown(proto: Cursor, name: string, scope: Scope): void {
  if (name === "") {
    proto.error(
      "l7.no-proto",
      "l7proto is empty text",
      "write the name of a parser",
    );
    return;
  }
  const known = [...scope.catalog.names()].sort();
  proto.error(
    "l7.unknown-proto",
    `no parser is called ${quote(name)}`,
    nearMiss(name, known) ??
      `write ${oneOf(known)}, or add a parser file of that name`,
  );
}

function readRule(
  cursor: Cursor,
  ref: string,
  proto: string,
  scope: Scope,
): L7Rule {
  const entries = isMapping(cursor.value) ? Object.entries(cursor.value) : [];
  const texts = entries.filter((entry): entry is [string, string] => {
    return typeof entry[1] === "string";
  });
  const raw = Object.freeze(Object.fromEntries(texts));
  if (Object.hasOwn(raw, "")) {
    cursor.get("").errorAtKey(
      "l7.empty-key",
      "a key of the l7 rule is empty text",
      "write the key's name, or delete it",
    );
  }
  // A rule that lost a value to a type error would be judged as another rule.
  if (texts.length === entries.length && !Object.hasOwn(raw, "")) {
    reportIssues(cursor, scope.catalog.check(proto, raw));
  }
  return Object.freeze({ ref, raw });
}

function reportIssues(at: Cursor, { errors, warnings }: RuleIssues): void {
  for (const issue of errors) reportIssue("error", at, issue);
  for (const issue of warnings) reportIssue("warning", at, issue);
}

function reportIssue(
  severity: "error" | "warning",
  at: Cursor,
  issue: RuleIssue,
): void {
  // Parsers give an unsupported key the code `<proto>.key`.
  const part = issue.code.endsWith(".key") ? "key" : "value";
  at.reporter.add(severity, [...at.path, ...issue.path], part, issue);
}
