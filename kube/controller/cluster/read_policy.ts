/**
 * Policies as the API server has them, read as a sidecar reads them.
 *
 * @module
 */
import { type PolicyDocument, readDocument } from "../../../policy/document.ts";
import { NAMESPACE_KEY, type Selector } from "../../../policy/labels.ts";
import type { Problem } from "../../../policy/mod.ts";
import type { Rule } from "../../../policy/rule.ts";
import { TRUSTING } from "../../../policy/stored.ts";
import type { ClusterOptions } from "./cluster.ts";
import type { PolicyFacts, PolicyName } from "./facts.ts";

/** What was read of a policy. */
export interface ReadPolicy {
  /** What goes to sidecars: JSON of the object without what only the API server needs. */
  readonly text: string;
  readonly problems: readonly Problem[];
  /** Whether sidecars can put it in force. */
  readonly isGood: boolean;
  /** As far as they could be read. */
  readonly rules: readonly Rule[];
  /** Whether it can be told from the rules which workloads are meant. */
  readonly isSubjectKnown: boolean;
}

/** `KIND/[NAMESPACE/]NAME`. */
export function policyId({ kind, namespace, name }: PolicyName): string {
  return namespace === undefined
    ? `${kind}/${name}`
    : `${kind}/${namespace}/${name}`;
}

const NOWHERE = { line: 1, column: 1 };
/** Parts of a rule that do not say which workloads it is for. */
const BESIDE_SUBJECT =
  /^(spec|specs\[\d+\])\.(ingress|egress|ingressDeny|egressDeny|enableDefaultDeny|description)\b/;

/** Reads a policy; never throws. */
export function readPolicy(
  facts: PolicyFacts,
  { catalog = TRUSTING, name: cluster }: Pick<
    ClusterOptions,
    "catalog" | "name"
  >,
): ReadPolicy {
  const value = objectOf(facts);
  const id = policyId(facts);
  const read = readDocument(value, [], {
    catalog,
    subjects: [],
    options: { nodes: true, ...(cluster === undefined ? {} : { cluster }) },
    yaml: {
      file: id,
      value,
      keyAt: () => NOWHERE,
      valueAt: () => NOWHERE,
      problems: [],
    },
    listName: facts.name,
  });
  const document: Pick<PolicyDocument, "rules" | "problems"> = "key" in read
    ? read
    : { rules: [], problems: [...read.problems] };
  const errors = document.problems
    .filter(({ severity }) => severity === "error");
  return {
    text: JSON.stringify(value),
    problems: document.problems,
    isGood: errors.length === 0,
    rules: document.rules,
    isSubjectKnown: "key" in read &&
      errors.every(({ path }) => BESIDE_SUBJECT.test(path)),
  };
}

/** A sidecar keeps the last good version of what it cannot put in force, and so do we; it is sent the bad one when there never was another, and says so. */
export function versionToSend(
  written: ReadPolicy,
  before: ReadPolicy | undefined,
): ReadPolicy {
  return !written.isGood && before?.isGood ? before : written;
}

/** Where it cannot be told whom a policy is for, whoever it may be for learns that it is there. */
export function subjectsOf(
  { namespace }: PolicyName,
  { rules, isSubjectKnown }: ReadPolicy,
): readonly Selector[] {
  if (isSubjectKnown) return rules.map(({ subject }) => subject);
  if (namespace === undefined) return [[]];
  return [[{
    source: "k8s",
    key: NAMESPACE_KEY,
    operator: "In",
    values: [namespace],
  }]];
}

/** What a policy says, without what the API server notes beside it. */
function objectOf({ kind, namespace, name, document }: PolicyFacts): object {
  const written = isObject(document) ? document : {};
  const annotations = isObject(written["metadata"])
    ? written["metadata"]["annotations"]
    : undefined;
  const mode = isObject(annotations) ? annotations[MODE] : undefined;
  return {
    apiVersion: kind.startsWith("Cilium")
      ? "cilium.io/v2"
      : "parley.dev/v1alpha1",
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(mode === undefined ? {} : { annotations: { [MODE]: mode } }),
    },
    ...("spec" in written ? { spec: written["spec"] } : {}),
    ...("specs" in written ? { specs: written["specs"] } : {}),
  };
}

/** The annotation that puts a policy in audit mode. */
const MODE = "parley.dev/mode";

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
