/**
 * Policy files as documents: CiliumNetworkPolicy, its clusterwide sibling, both
 * under Parley's own names, and bare rule lists (policy semantics, section 1).
 *
 * @module
 */
import { findConflict, reportConflict } from "./conflict.ts";
import { Cursor, Reporter } from "./cursor.ts";
import { isDnsLabel, isSubdomain } from "./labels.ts";
import type { L7Catalog, Subject } from "./model.ts";
import { nearMiss, oneOf, type Path, type Problem, quote } from "./problem.ts";
import { readRule } from "./reader.ts";
import type { Rule } from "./rule.ts";
import { KINDS, objectSchemaOf, ruleListSchema } from "./schema.ts";
import {
  isNamespaced,
  type Kind,
  type ReadingOptions,
  Scope,
  siblingOf,
} from "./scope.ts";
import { checkShape } from "./shape.ts";
import type { YamlDocument } from "./yaml.ts";

/** One document, read and checked by itself. */
export interface PolicyDocument {
  /** What makes it the same document in the next version of the files. */
  readonly key: string;
  /** `[namespace/]name`, as rule references begin. */
  readonly id: string;
  readonly kind: Kind;
  readonly name: string;
  readonly file: string;
  /** The name of the cluster that its peers were confined to. */
  readonly cluster: string | undefined;
  /** Equal for equal contents. */
  readonly fingerprint: string;
  /** In force only when no problem is an error. */
  readonly rules: readonly Rule[];
  readonly problems: Problem[];
  /** Where the document as a whole can be pointed at. */
  readonly root: Cursor;
}

/** What a document is read with. */
export interface Reading {
  readonly catalog: L7Catalog;
  readonly subjects: readonly Subject[];
  readonly options: ReadingOptions;
  readonly yaml: YamlDocument;
  /** Tells the rule lists of one file apart. */
  readonly listName: string;
}

/** Reads one value that should be a document; `base` is where it stands in its file's document. Never throws. */
export function readDocument(
  value: unknown,
  base: Path,
  reading: Reading,
): PolicyDocument | { problems: readonly Problem[] } {
  const reporter = new Reporter(reading.yaml);
  reporter.problems.push(...reading.yaml.problems);
  const root = new Cursor(reporter, base, value);
  const identity = Array.isArray(value)
    ? identifyList(reading)
    : identifyObject(root);
  if (identity === undefined) return { problems: reporter.problems };

  const { kind, namespace, name } = identity;
  const id = namespace === undefined ? name : `${namespace}/${name}`;
  reporter.document = id;
  const audits = kind !== "RuleList" && readMode(root) === "audit";
  const { catalog, options } = reading;
  const scope = new Scope(kind, namespace, id, base, catalog, options, audits);
  const schema = kind === "RuleList" ? ruleListSchema : objectSchemaOf(kind);
  checkShape(schema, value, reporter, base);
  const rules = rulesOf(root, kind)
    .flatMap((rule) => readRule(rule, scope) ?? []);
  const { file } = reading.yaml;
  const document: PolicyDocument = {
    key: kind === "RuleList" ? `${kind} ${file} ${id}` : `${kind} ${id}`,
    id,
    kind,
    name,
    file,
    cluster: options.cluster,
    fingerprint: JSON.stringify([file, value, options.cluster]),
    rules,
    problems: reporter.problems,
    root,
  };
  const conflict = findConflict([document], reading.subjects);
  if (conflict !== undefined) {
    reportConflict(reporter, conflict, conflict.later);
  }
  return document;
}

interface Identity {
  readonly kind: Kind;
  readonly namespace?: string;
  readonly name: string;
}

function identifyList({ listName }: Reading): Identity {
  return { kind: "RuleList", name: listName };
}

/** Who an object is; `undefined` after a report when that cannot be told. */
function identifyObject(root: Cursor): Identity | undefined {
  const kindText = root.get("kind");
  const kind = KINDS.find((known) => known === kindText.value);
  if (kind === undefined) {
    reportKind(root, kindText);
    return undefined;
  }
  warnOfDescription(root.get("description"));
  const metadata = root.get("metadata");
  warnOfDescription(metadata.get("description"));
  const name = readName(metadata);
  const namespace = readNamespace(metadata.get("namespace"), kind);
  if (name === undefined || namespace === undefined) {
    checkShape(objectSchemaOf(kind), root.value, root.reporter, root.path);
    return undefined;
  }
  return isNamespaced(kind) ? { kind, namespace, name } : { kind, name };
}

function reportKind(root: Cursor, kind: Cursor): void {
  const text = kind.text();
  if (text === "NetworkPolicy") {
    kind.error(
      "doc.kind",
      "a NetworkPolicy of Kubernetes is not a CiliumNetworkPolicy",
      "rewrite it as one: its selectors and ports are spelled differently",
    );
  } else if (text !== undefined) {
    kind.error(
      "doc.kind",
      `${quote(text)} is not a kind of policy`,
      nearMiss(text, KINDS) ?? `write ${oneOf(KINDS)}`,
    );
  } else if (root.get("endpointSelector").present) {
    root.error(
      "doc.kind",
      "a rule stands by itself",
      "make it an item of a list, or the spec of a CiliumNetworkPolicy",
    );
  } else {
    root.error(
      "doc.kind",
      "the document is neither a policy object nor a list of rules",
      `add kind with ${oneOf(KINDS)}`,
    );
  }
}

function readName(metadata: Cursor): string | undefined {
  const name = metadata.get("name");
  const text = name.text();
  if (text === undefined || text === "") {
    if (!name.present || text === "") {
      name.error("doc.name", "the policy has no name", "add metadata.name");
    }
    return undefined;
  }
  if (isSubdomain(text)) return text;
  name.error(
    "doc.name",
    `${quote(text)} is not a name of an object`,
    "write lower-case letters, digits, '-' and '.' only",
  );
  return undefined;
}

/** A policy without a namespace is in `default`, as in Kubernetes. */
function readNamespace(cursor: Cursor, kind: Kind): string | undefined {
  if (!isNamespaced(kind)) {
    if (cursor.present) {
      cursor.warnAtKey(
        "doc.namespace",
        "a clusterwide policy has no namespace",
        `delete the key, or make it a ${siblingOf(kind)}`,
      );
    }
    return "";
  }
  if (!cursor.present || cursor.value === "") return "default";
  const text = cursor.text();
  if (text === undefined) return undefined;
  if (isDnsLabel(text)) return text;
  cursor.error(
    "doc.namespace",
    `${quote(text)} is not a name of a namespace`,
    "write at most 63 lower-case letters, digits and '-'",
  );
  return undefined;
}

/** The annotation that puts one document in audit mode. */
const MODE = "parley.dev/mode";
const MODES = ["enforce", "audit"];

function readMode(root: Cursor): string | undefined {
  const mode = root.get("metadata").get("annotations").get(MODE);
  if (!mode.present) return undefined;
  const text = mode.text();
  if (text !== undefined && MODES.includes(text)) return text;
  mode.error(
    "doc.mode",
    `${quote(mode.value)} is not a mode of a policy`,
    nearMiss(String(mode.value), MODES) ?? `write ${oneOf(MODES)}`,
  );
  return undefined;
}

function warnOfDescription(cursor: Cursor): void {
  if (!cursor.present) return;
  cursor.warnAtKey(
    "doc.description",
    "a description outside the rule is not part of the policy",
    "move it into spec, or into the rule of specs that it describes",
  );
}

function rulesOf(root: Cursor, kind: Kind): Cursor[] {
  if (kind === "RuleList") return root.items();
  const spec = root.get("spec");
  const specs = root.get("specs");
  if (!spec.present && !specs.hasItems) {
    root.error(
      "doc.empty",
      "the policy has neither spec nor specs",
      "add spec with a rule",
    );
  }
  return [...(spec.present ? [spec] : []), ...specs.items()];
}
