/**
 * Labels, and the selectors that test them (policy semantics, section 3).
 *
 * @module
 */

/** The label that says which namespace a workload is in. */
export const NAMESPACE_KEY = "io.kubernetes.pod.namespace";

/** The label that says which cluster a workload is in. */
export const CLUSTER_KEY = "io.cilium.k8s.policy.cluster";

/** Labels that tell of the namespace's own labels start so. */
export const NAMESPACE_LABELS_PREFIX = "io.cilium.k8s.namespace.labels.";

/** One label of a workload, or the key of a selector (where the source may be `any`). */
export interface LabelKey {
  readonly source: string;
  readonly key: string;
}

export interface Label extends LabelKey {
  readonly value: string;
}

/** Labels in the order in which a selector of source `any` tries them. */
export type LabelSet = readonly Label[];

export type Operator = "In" | "NotIn" | "Exists" | "DoesNotExist";

/** One test of a selector; all must hold. */
export interface Requirement extends LabelKey {
  readonly operator: Operator;
  readonly values: readonly string[];
}

export type Selector = readonly Requirement[];

/** Reads `source:key=value`; without a source the label is of `k8s`. */
export function parseLabel(text: string): Label {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? "" : text.slice(equals + 1);
  const colon = name.indexOf(":");
  if (colon < 0) return { source: "k8s", key: name, value };
  return { source: name.slice(0, colon), key: name.slice(colon + 1), value };
}

/** `source:key=value`, or `source:key` when the value is empty. */
export function formatLabel({ source, key, value }: Label): string {
  return value === "" ? `${source}:${key}` : `${source}:${key}=${value}`;
}

export function parseLabels(texts: readonly string[]): LabelSet {
  return texts.map(parseLabel).sort((a, b) => compare(a.source, b.source));
}

/** Reads the key of a selector: the source is `any` unless one is written. */
export function parseSelectorKey(text: string): LabelKey {
  if (text.startsWith("$")) return { source: "reserved", key: text.slice(1) };
  const colon = text.indexOf(":");
  if (colon >= 0) {
    return { source: text.slice(0, colon), key: text.slice(colon + 1) };
  }
  const reserved = "reserved.";
  if (text.startsWith(reserved)) {
    return { source: "reserved", key: text.slice(reserved.length) };
  }
  return { source: "any", key: text };
}

/** Kubernetes' syntax of label keys: an optional DNS subdomain, and a name. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf("/");
  const domain = slash < 0 ? undefined : text.slice(0, slash);
  return isLabelName(text.slice(slash + 1)) &&
    (domain === undefined || isSubdomain(domain));
}

export function isLabelValue(text: string): boolean {
  return text === "" || isLabelName(text);
}

/** A DNS subdomain as RFC 1123 has it: an object's name, a key's domain. */
export function isSubdomain(text: string): boolean {
  return text.length <= 253 &&
    text.split(".").every((label) =>
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label)
    );
}

/** A DNS label as RFC 1123 has it: the name of a namespace. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && !text.includes(".") && isSubdomain(text);
}

function isLabelName(text: string): boolean {
  return text.length <= 63 && /^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(text);
}

export function selects(selector: Selector, labels: LabelSet): boolean {
  return selector.every((requirement) => holds(requirement, labels));
}

/** Text that is equal for selectors that are written alike. */
export function formatSelector(selector: Selector): string {
  return selector
    .map((r) => JSON.stringify([r.source, r.key, r.operator, ...r.values]))
    .sort()
    .join();
}

/** A test as people write it: `app=a`, `k8s:tier in (a, b)`, `!debug`. */
export function describeRequirement(requirement: Requirement): string {
  const { source, key, operator, values } = requirement;
  const name = source === "any" ? key : `${source}:${key}`;
  switch (operator) {
    case "In":
      return values.length === 1
        ? formatValue(name, values[0]!)
        : `${name} in (${values.join(", ")})`;
    case "NotIn":
      return `${name} not in (${values.join(", ")})`;
    case "Exists":
      return name;
    case "DoesNotExist":
      return `!${name}`;
  }
}

function formatValue(name: string, value: string): string {
  return value === "" ? `${name}=""` : `${name}=${value}`;
}

export function holds(requirement: Requirement, labels: LabelSet): boolean {
  const { operator, values } = requirement;
  const found = labels.find((label) => names(requirement, label));
  switch (operator) {
    case "In":
      return found !== undefined && values.includes(found.value);
    case "NotIn":
      return found === undefined || !values.includes(found.value);
    case "Exists":
      return found !== undefined;
    case "DoesNotExist":
      return found === undefined;
  }
}

function names(wanted: LabelKey, label: Label): boolean {
  return wanted.key === label.key &&
    (wanted.source === "any" || wanted.source === label.source);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
