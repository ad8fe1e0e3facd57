/**
 * Documents that were judged good, as data: another process reads them to the
 * same effect, without the texts that they came from.
 *
 * @module
 */
import { compilePolicy } from "./compile.ts";
import { type PolicyDocument, readDocument } from "./document.ts";
import type { CompiledPolicy, L7Catalog } from "./model.ts";
import type { Path } from "./problem.ts";
import type { YamlDocument } from "./yaml.ts";

/** One document. It is JSON. */
export interface StoredDocument {
  readonly file: string;
  /** Where it stands in the document of its file: a list of objects has several. */
  readonly base: Path;
  readonly name: string;
  readonly value: unknown;
  /** The name of the cluster that its peers are confined to. */
  readonly cluster?: string;
}

/** A document as data. */
export function storeDocument(
  { file, name, root, cluster }: PolicyDocument,
): StoredDocument {
  return {
    file,
    base: root.path,
    name,
    value: root.value,
    ...(cluster === undefined ? {} : { cluster }),
  };
}

/** Parsers come and go: what was good stays in force, and what no parser understands covers nothing. */
export const TRUSTING: L7Catalog = {
  names: () => [],
  has: () => true,
  check: () => ({ errors: [], warnings: [] }),
  checkList: () => ({ errors: [], warnings: [] }),
};

const NOWHERE = { line: 1, column: 1 };

/**
 * Reads a stored document; `catalog` says what L7 rules are good.
 *
 * @throws {TypeError} when it is none: it was not stored by this version
 */
export function readStored(
  { file, base, name, value, cluster }: StoredDocument,
  catalog = TRUSTING,
): PolicyDocument {
  const yaml: YamlDocument = {
    file,
    value,
    keyAt: () => NOWHERE,
    valueAt: () => NOWHERE,
    problems: [],
  };
  const reading = {
    catalog,
    subjects: [],
    options: { nodes: true, ...(cluster === undefined ? {} : { cluster }) },
    yaml,
    listName: name,
  };
  const document = readDocument(value, base, reading);
  if ("key" in document) return document;
  throw new TypeError(`a stored document of ${file} cannot be read`);
}

/** A policy that follows what is stored elsewhere. */
export class StoredPolicy {
  #current = compilePolicy([], 0);
  #documents = new Map<string, PolicyDocument>();

  get current(): CompiledPolicy {
    return this.#current;
  }

  /** Puts these documents in force, and no others; true if that is another policy than before. */
  replace(stored: readonly StoredDocument[]): boolean {
    const next = new Map<string, PolicyDocument>();
    for (const document of stored) {
      // An unchanged document stays the same object: so do its L7 sets.
      const key = JSON.stringify(document);
      next.set(key, this.#documents.get(key) ?? readStored(document));
    }
    const isSame = [...next.keys()].join() ===
      [...this.#documents.keys()].join();
    if (isSame) return false;
    this.#documents = next;
    const rules = [...next.values()].flatMap(({ rules }) => rules);
    this.#current = compilePolicy(rules, this.#current.version + 1);
    return true;
  }
}
