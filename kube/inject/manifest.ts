/**
 * Manifests: YAML texts of objects, of which some are pods or make pods. The
 * pods change, and everything else stays, comments and order included.
 *
 * @module
 */
import {
  type Document,
  isMap,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { INJECT } from "./names.ts";
import { difference, type Operation, pointerKeys } from "./patch.ts";
import { Refused } from "./refused.ts";

/** What is to become of a pod, or of a template of pods. */
export type Rewrite = (pod: unknown) => {
  /** Absent: it stays as it is. */
  readonly pod?: unknown;
  /** What its author should know. */
  readonly notes: readonly string[];
};

/** Something about one object of a manifest. */
export interface Note {
  readonly severity: "error" | "note";
  /** Such as `Deployment cache`; empty if it is about the text. */
  readonly object: string;
  readonly text: string;
}

/** Where the kinds that make pods have their template. */
const TEMPLATES: ReadonlyMap<string, readonly string[]> = new Map([
  ["Pod", []],
  ["PodTemplate", ["template"]],
  ["CronJob", ["spec", "jobTemplate", "spec", "template"]],
  ...[
    "DaemonSet",
    "Deployment",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
  ].map((kind): [string, string[]] => [kind, ["spec", "template"]]),
]);

/**
 * The text with its pods rewritten; as it was if none of them changes. With an
 * error among the notes there is no text.
 */
export function rewriteManifest(
  text: string,
  rewrite: Rewrite,
): { readonly text?: string; readonly notes: readonly Note[] } {
  const { documents, faults } = parse(text);
  if (faults.length > 0) {
    return { notes: faults.map((text) => error("", text)) };
  }
  const notes: Note[] = [];
  let changed = false;
  for (const document of documents) {
    for (const place of podsOf(document)) {
      const { notes: found, isChanged } = change(document, place, rewrite);
      notes.push(...found);
      changed ||= isChanged;
    }
  }
  if (notes.some(({ severity }) => severity === "error")) return { notes };
  try {
    return { text: changed ? print(documents, text) : text, notes };
  } catch (cause) { // an alias without an anchor is no fault until it is written
    return { notes: [...notes, error("", (cause as Error).message)] };
  }
}

function parse(
  text: string,
): { readonly documents: Document[]; readonly faults: readonly string[] } {
  const lineCounter = new LineCounter();
  const options = { lineCounter, prettyErrors: false };
  try {
    const documents = [...parseAllDocuments(text, options)] as Document[];
    const errors = documents.flatMap(({ errors }) => errors);
    return {
      documents,
      faults: errors.map((error) => syntaxFault(error, lineCounter)),
    };
  } catch (cause) { // nesting that exhausts the stack
    const found = (cause as Error).message;
    return { documents: [], faults: [`the text cannot be parsed: ${found}`] };
  }
}

function syntaxFault(
  { message, pos: [at] }: YAMLError,
  lines: LineCounter,
): string {
  const { line, col } = lines.linePos(at);
  const found = message.charAt(0).toLowerCase() + message.slice(1);
  return `the text is not YAML at line ${line}, column ${col}: ${found}: check indentation, quotes and brackets`;
}

/** A pod inside of a document. */
interface Place {
  readonly object: string;
  readonly path: readonly (string | number)[];
}

function podsOf(document: Document): Place[] {
  const found: Place[] = [];
  const visit = (node: unknown, path: readonly (string | number)[]) => {
    if (!isMap(node)) return;
    const kind = String(node.get("kind") ?? "");
    const items = node.get("items");
    if (kind.endsWith("List") && isSeq(items)) {
      items.items.forEach((item, i) => visit(item, [...path, "items", i]));
    }
    const template = TEMPLATES.get(kind);
    if (!template) return;
    const name = node.getIn(["metadata", "name"]) ??
      node.getIn(["metadata", "generateName"]) ?? "";
    found.push({
      object: `${kind} ${name}`.trim(),
      path: [...path, ...template],
    });
  };
  visit(document.contents, []);
  return found;
}

function change(
  document: Document,
  { object, path }: Place,
  rewrite: Rewrite,
): { readonly notes: readonly Note[]; readonly isChanged: boolean } {
  try {
    const before = valueAt(document, path);
    const { pod, notes } = rewrite(before);
    const patch = pod === undefined ? [] : difference(before, pod);
    for (const operation of patch) apply(document, path, operation);
    // An alias shows one node at two places: what changes at one changes at the other.
    const isAsMeant = pod === undefined ||
      difference(valueAt(document, path), pod).length === 0;
    if (!isAsMeant) throw new Refused([NO_ALIASES]);
    return {
      notes: notes.map((text) => ({ severity: "note", object, text })),
      isChanged: patch.length > 0,
    };
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    const notes = refused.faults.map((text) => error(object, text));
    return { notes, isChanged: false };
  }
}

const NO_ALIASES =
  `the pod is written with YAML aliases, which cannot be changed in one place only: write them out, or ${INJECT}: disabled`;

function valueAt(document: Document, path: readonly (string | number)[]) {
  const node = document.getIn(path, true) as Node | undefined;
  return node?.toJS(document) as unknown;
}

function apply(
  document: Document,
  path: readonly (string | number)[],
  operation: Operation,
): void {
  const keys = [...path, ...pointerKeys(operation.path)];
  const last = keys.pop()!;
  const parent = document.getIn(keys, true);
  if (!isMap(parent) && !isSeq(parent)) throw new Refused([NO_ALIASES]);
  const key = isSeq(parent) ? Number(last) : last;
  if (operation.op === "remove") {
    parent.delete(key);
    return;
  }
  const node = document.createNode(operation.value);
  if (isSeq(parent) && operation.op === "add") {
    parent.items.splice(Number(last), 0, node);
  } else (parent as YAMLMap).set(key, node);
}

/** In the style of the text, as far as one can be told. */
function print(documents: readonly Document[], text: string): string {
  if (isJson(text)) return `${JSON.stringify(documents[0], null, 2)}\n`;
  // `containers:` with its items right below, not further in.
  const isFlat = /^( *)[^\s#-][^\n]*:\n(?: *#[^\n]*\n)*\1- /m.test(text);
  return documents.map((document, index) => {
    if (index > 0) document.directives!.docStart = true;
    return document.toString({ lineWidth: 0, indentSeq: !isFlat });
  }).join("");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function error(object: string, text: string): Note {
  return { severity: "error", object, text };
}
