/**
 * Reads selectors and confines them to their namespace (policy semantics,
 * section 3).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import {
  CLUSTER_KEY,
  isLabelKey,
  isLabelValue,
  type LabelKey,
  NAMESPACE_KEY,
  NAMESPACE_LABELS_PREFIX,
  type Operator,
  parseLabels,
  parseSelectorKey,
  type Requirement,
  type Selector,
  selects,
} from "./labels.ts";
import { nearMiss, oneOf, quote } from "./problem.ts";
import type { Scope } from "./scope.ts";

const OPERATORS: readonly Operator[] = [
  "In",
  "NotIn",
  "Exists",
  "DoesNotExist",
];

/** Where labels come from; a policy may name others, but hardly means to. */
const SOURCES = [
  "any",
  "k8s",
  "reserved",
  "container",
  "cidr",
  "cidrgroup",
  "fqdn",
  "node",
  "unspec",
];

/** Reads an endpointSelector: a CiliumNetworkPolicy selects in its own namespace only. */
export function readSubject(cursor: Cursor, scope: Scope): Selector {
  const labels = readLabels(cursor);
  const expressions = readExpressions(cursor);
  const selector = [...labels, ...expressions];
  if (scope.namespace === undefined || namesInit(selector)) return selector;
  for (const key of cursor.get("matchLabels").keys()) {
    const written = cursor.get("matchLabels").get(key);
    if (!isNamespace(parseSelectorKey(key))) continue;
    if (written.value === scope.namespace) continue;
    written.warn(
      "sel.namespace",
      `the policy is of namespace ${
        quote(scope.namespace)
      } and selects there only, not in ${quote(written.value)}`,
      "delete the label, or set metadata.namespace",
    );
  }
  return [
    ...labels.filter((requirement) => !isNamespace(requirement)),
    ...expressions,
    inNamespace(scope.namespace),
  ];
}

/** Reads a selector of peers: it stays in the policy's namespace unless it names another. */
export function readPeerSelector(
  cursor: Cursor,
  scope: Scope,
  subject: Selector,
): Selector {
  const written = readSelector(cursor);
  const selector = inCluster(
    confined(cursor, written, scope, subject),
    scope,
    subject,
  );
  warnOfStrangers(cursor, selector);
  return selector;
}

/** Where the cluster has a name, peers are of it unless the selector names one. */
function inCluster(
  selector: Selector,
  { kind, options: { cluster } }: Scope,
  subject: Selector,
): Selector {
  if (cluster === undefined || kind === "RuleList" || namesInit(subject)) {
    return selector;
  }
  const namesPlace = selector.some(({ source, key }) =>
    source === "reserved" ||
    (key === CLUSTER_KEY && (source === "k8s" || source === "any"))
  );
  return namesPlace ? selector : [...selector, ofCluster(cluster)];
}

/** What the workloads of a cluster have. */
export function ofCluster(name: string): Requirement {
  return {
    source: "k8s",
    key: CLUSTER_KEY,
    operator: "In",
    values: [name],
  };
}

function confined(
  cursor: Cursor,
  selector: Selector,
  scope: Scope,
  subject: Selector,
): Selector {
  if (scope.kind === "RuleList" || namesInit(subject)) return selector;
  const namesPlace = selector.some((requirement) => {
    return requirement.source === "reserved" || isNamespace(requirement);
  });
  if (namesPlace) return selector;
  if (scope.namespace === undefined) {
    const { source, key } = inNamespace("");
    return [...selector, { source, key, operator: "Exists", values: [] }];
  }
  if (selector.some(({ key }) => key.startsWith(NAMESPACE_LABELS_PREFIX))) {
    cursor.warn(
      "sel.namespace-labels",
      "a selector of namespace labels reaches beyond the policy's own namespace",
      `add k8s:${NAMESPACE_KEY} if that is not meant`,
    );
    return selector;
  }
  return [...selector, inNamespace(scope.namespace)];
}

/** Reads a selector as it is written. */
export function readSelector(cursor: Cursor): Selector {
  return [...readLabels(cursor), ...readExpressions(cursor)];
}

function readLabels(cursor: Cursor): Requirement[] {
  const labels = cursor.get("matchLabels");
  return labels.keys().map((name) => {
    const written = labels.get(name);
    const key = readKey(name, (code, message, mend, severity) => {
      if (severity === "error") written.errorAtKey(code, message, mend);
      else written.warnAtKey(code, message, mend);
    });
    const value = written.text() ?? "";
    checkValue(written, value);
    return { ...key, operator: "In", values: [value] };
  });
}

function readExpressions(cursor: Cursor): Requirement[] {
  return cursor.get("matchExpressions").items().flatMap((expression) => {
    const name = expression.get("key");
    const operator = readOperator(expression.get("operator"));
    const values = expression.get("values");
    if (name.text() === undefined || operator === undefined) return [];
    const key = readKey(name.text()!, (code, message, mend, severity) => {
      if (severity === "error") name.error(code, message, mend);
      else name.warn(code, message, mend);
    });
    for (const value of values.items()) checkValue(value, value.text() ?? "");
    const needsValues = operator === "In" || operator === "NotIn";
    if (needsValues && !values.hasItems) {
      values.error(
        "sel.values",
        `the operator ${operator} has no values`,
        "list the values to compare with",
      );
    }
    if (!needsValues && values.hasItems) {
      values.error(
        "sel.values",
        `the operator ${operator} takes no values`,
        "delete values, or write In or NotIn",
      );
    }
    const texts = values.items().map((value) => value.text() ?? "");
    return [{ ...key, operator, values: texts }];
  });
}

function readOperator(cursor: Cursor): Operator | undefined {
  const text = cursor.text();
  if (text === undefined) return undefined;
  const operator = OPERATORS.find((name) => name === text);
  if (operator === undefined) {
    cursor.error(
      "sel.op",
      `${quote(text)} is not an operator`,
      nearMiss(text, OPERATORS) ?? `write ${oneOf(OPERATORS)}`,
    );
  }
  return operator;
}

type Report = (
  code: string,
  message: string,
  mend: string,
  severity: "error" | "warning",
) => void;

function readKey(text: string, report: Report): LabelKey {
  const parsed = parseSelectorKey(text);
  if (!isLabelKey(parsed.key) || parsed.source === "") {
    report(
      "sel.key",
      `${quote(text)} is not a label key`,
      "write [source:][domain/]name, with a name of at most 63 letters, digits, '-', '_' and '.'",
      "error",
    );
    return parsed;
  }
  const dotted = /^(k8s|any|reserved)\./.exec(text);
  if (dotted !== null) {
    const [prefix, source] = dotted;
    report(
      "sel.dotted-source",
      `${quote(text)} begins with a label source and a dot`,
      `write ${
        quote(`${source}:${text.slice(prefix.length)}`)
      } if the source is meant`,
      "warning",
    );
  }
  if (!SOURCES.includes(parsed.source)) {
    report(
      "sel.source",
      `no label has the source ${
        quote(parsed.source)
      }, so nothing is selected by it`,
      nearMiss(parsed.source, SOURCES) ??
        `write ${oneOf(SOURCES)} before the colon`,
      "warning",
    );
  }
  return parsed;
}

function checkValue(cursor: Cursor, value: string): void {
  if (isLabelValue(value)) return;
  cursor.error(
    "sel.value",
    `${quote(value)} is not a label value`,
    "write at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends",
  );
}

function inNamespace(namespace: string): Requirement {
  return {
    source: "k8s",
    key: NAMESPACE_KEY,
    operator: "In",
    values: [namespace],
  };
}

function isNamespace({ source, key }: LabelKey): boolean {
  return key === NAMESPACE_KEY && (source === "k8s" || source === "any");
}

/**
 * Workloads whose labels are not known yet have no namespace to be confined to.
 * In Cilium a selector that only forbids the label is not confined either: that
 * is every workload of every namespace.
 */
function namesInit(selector: Selector): boolean {
  return selector.some(({ source, key, operator }) =>
    source === "reserved" && key === "init" &&
    (operator === "In" || operator === "Exists")
  );
}

const STRANGER = parseLabels(["reserved:world"]);

/** A selector that says only what must not be fits addresses outside the cluster, too. */
function warnOfStrangers(cursor: Cursor, selector: Selector): void {
  const isMeant = selector.length === 0 ||
    selector.some(({ operator }) => operator === "In" || operator === "Exists");
  if (isMeant || !selects(selector, STRANGER)) return;
  cursor.warn(
    "sel.strangers",
    "the selector says only what must not be, so it fits addresses outside the cluster too",
    `add { key: "k8s:${NAMESPACE_KEY}", operator: Exists } if workloads are meant`,
  );
}
