/**
 * Reads the L7 rules of a toPorts item (policy semantics, sections 5, 6 and 9).
 *
 * @module
 */
import { type Cursor, isMapping } from "./cursor.ts";
import type { L7Rule, L7Set, RuleIssue } from "./model.ts";
import { nearMiss, oneOf, quote } from "./problem.ts";
import type { Scope } from "./scope.ts";

/** Cilium's own L7 types, which have keys of their own beside l7proto. */
const OWN_TYPES = ["http", "kafka", "dns"];

/** Reads `rules`; `undefined` when it restricts nothing or is wrong. */
export function readL7(
  rules: Cursor,
  ref: string,
  scope: Scope,
): L7Set | undefined {
  const own = OWN_TYPES.map((type) => rules.get(type))
    .filter((type) => type.present);
  for (const type of own) readOwnType(type, scope);

  const proto = rules.get("l7proto");
  const list = rules.get("l7");
  const filled = own.filter((type) => !type.isEmptyList);
  const types = [...filled, ...(proto.present ? [proto] : [])];
  if (types.length > 1) {
    const names = types.map((type) => String(type.path.at(-1)));
    rules.error(
      "l7.two-types",
      `the rules are of more than one type: ${names.join(", ")}`,
      "keep one type, and give the others toPorts items of their own",
    );
  }
  if (!proto.present) {
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
  return Object.freeze({ proto: name, ref, rules: Object.freeze(read) });
}

function readOwnType(type: Cursor, scope: Scope): void {
  const name = String(type.path.at(-1));
  if (type.isEmptyList) {
    type.warn(
      "l7.empty-list",
      `the empty list of ${name} restricts nothing: every request is allowed`,
      "list rules, or delete the key",
    );
  } else if (scope.catalog.has(name)) {
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
    const { errors, warnings } = scope.catalog.check(proto, raw);
    for (const issue of errors) reportIssue("error", cursor, issue);
    for (const issue of warnings) reportIssue("warning", cursor, issue);
  }
  return Object.freeze({ ref, raw });
}

function reportIssue(
  severity: "error" | "warning",
  rule: Cursor,
  issue: RuleIssue,
): void {
  // Parsers give an unsupported key the code `<proto>.key`.
  const part = issue.code.endsWith(".key") ? "key" : "value";
  rule.reporter.add(severity, [...rule.path, ...issue.path], part, issue);
}
