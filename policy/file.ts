/**
 * Policy files: YAML texts with any number of documents (policy semantics,
 * section 1).
 *
 * @module
 */
import { type PolicyDocument, readDocument } from "./document.ts";
import type { L7Catalog, Subject } from "./model.ts";
import type { Path, Problem } from "./problem.ts";
import { LISTS } from "./schema.ts";
import type { ReadingOptions } from "./scope.ts";
import { parseYaml } from "./yaml.ts";

/** The text of one policy file. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** What a file holds. */
export interface PolicyFile {
  readonly file: string;
  readonly documents: readonly PolicyDocument[];
  /** Of the file, and of documents whose name cannot be told. */
  readonly problems: readonly Problem[];
  /** A syntax error: what the file was meant to hold is not known. */
  readonly isBroken: boolean;
  /** How many documents cannot be told by name; at least one in a broken file. */
  readonly unnamed: number;
}

const LISTS_OF_OBJECTS: readonly string[] = LISTS;

/** Reads every document of a file; never throws. */
export function readFile(
  source: Source,
  catalog: L7Catalog,
  subjects: readonly Subject[],
  options: ReadingOptions,
): PolicyFile {
  const { file } = source;
  const { documents: parsed, syntax } = parseYaml(file, source.text);
  const documents: PolicyDocument[] = [];
  const problems: Problem[] = [...syntax];
  const isBroken = syntax.length > 0;
  let unnamed = isBroken ? 1 : 0;
  let lists = 0;
  for (const yaml of parsed) {
    const isList = Array.isArray(yaml.value);
    const base = baseName(file);
    const listName = isList && ++lists > 1 ? `${base}-${lists}` : base;
    const reading = { catalog, subjects, options, yaml, listName };
    for (const [path, value] of membersOf(yaml.value)) {
      const read = readDocument(value, path, reading);
      if ("key" in read) {
        documents.push(read);
      } else {
        problems.push(...read.problems);
        unnamed++;
      }
    }
  }
  if (parsed.length === 0 && syntax.length === 0) {
    problems.push({
      severity: "warning",
      code: "doc.none",
      file,
      line: 1,
      column: 1,
      path: "",
      message: "the file holds no document",
      mend: "write a policy, or delete the file",
    });
  }
  return { file, documents, problems, isBroken, unnamed };
}

/** The members of a Kubernetes list of objects; of anything else, itself. */
function membersOf(value: unknown): [Path, unknown][] {
  const list = value as { kind?: unknown; items?: unknown };
  const isList = list !== null && typeof list === "object" &&
    LISTS_OF_OBJECTS.includes(String(list.kind)) && Array.isArray(list.items);
  if (!isList) return [[[], value]];
  return (list.items as unknown[]).map((item, i) => [["items", i], item]);
}

/** `a/b/fleet.yaml` is `fleet`. */
function baseName(file: string): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}
