/**
 * Holds the policy in force while its files change.
 *
 * @module
 */
import { compilePolicy } from "./compile.ts";
import { checkConflict } from "./conflict.ts";
import { type PolicyDocument, readFile, type Source } from "./document.ts";
import type { CompiledPolicy, L7Catalog, Subject } from "./model.ts";
import type { Problem } from "./problem.ts";
import type { Kind } from "./scope.ts";

export type { Source } from "./document.ts";

/** What became of one document. */
export interface DocumentStatus {
  /** `[namespace/]name`, as rule references begin. */
  readonly id: string;
  readonly file: string;
  readonly kind: Kind;
  readonly name: string;
  /**
   * `applied`: as it is in the file. `kept-last-good`: wrong, or in conflict
   * with another; its last good version is in force. `refused`: the same, but
   * no version is in force.
   */
  readonly status: "applied" | "kept-last-good" | "refused";
  readonly problems: readonly Problem[];
}

export interface UpdateResult {
  /** All of them, in the order of files and lines. */
  readonly problems: readonly Problem[];
  readonly documents: readonly DocumentStatus[];
}

export interface PolicyStore {
  /** Swapped whole, and only when something changed. */
  readonly current: CompiledPolicy;
  /**
   * Whether something that was written is not in force in any version: the
   * policy may be more open than it was meant to be. A sidecar that starts
   * should then refuse to.
   */
  readonly refused: boolean;
  /** The result of the last update. */
  readonly last: UpdateResult;
  /**
   * Reads all policy files anew; never throws.
   *
   * `sources` is the complete set: what is not in it is no longer in force.
   * `catalog` replaces the one given before.
   */
  update(sources: readonly Source[], catalog?: L7Catalog): UpdateResult;
}

/** A document with the version of it that is to be in force. */
interface Candidate {
  readonly document: PolicyDocument;
  readonly lastGood: PolicyDocument | undefined;
  chosen: PolicyDocument | undefined;
}

/**
 * Starts without documents: every connection is allowed.
 *
 * `subjects` are the workloads that are guarded; conflicts between rules are
 * looked for among those that select one of them (see conflict.ts).
 */
export function createPolicyStore(
  catalog: L7Catalog,
  subjects: readonly Subject[] = [],
): PolicyStore {
  let parsers = catalog;
  let inForce = new Map<string, PolicyDocument>();
  let current = compilePolicy([], 0);
  let refused = false;
  let last: UpdateResult = { problems: [], documents: [] };

  function update(sources: readonly Source[], catalog = parsers): UpdateResult {
    parsers = catalog;
    const files = sources.map((source) => readFile(source, parsers, subjects));
    const documents = files.flatMap((file) => file.documents);
    refuseTwins(documents);

    const unreadable = new Set(
      files.filter(({ problems }) => problems.some(isError))
        .map(({ file }) => file),
    );
    const candidates = documents.map((document) => choose(document, inForce));
    const written = new Set(documents.map(({ key }) => key));
    const hidden = [...inForce.values()]
      .filter(({ file, key }) => unreadable.has(file) && !written.has(key));
    settleConflicts(candidates, hidden, subjects);

    const next = new Map<string, PolicyDocument>();
    for (const { chosen } of candidates) {
      if (chosen !== undefined) next.set(chosen.key, chosen);
    }
    for (const document of hidden) next.set(document.key, document);
    if (!isSame(inForce, next)) {
      const rules = [...next.values()].flatMap(({ rules }) => rules);
      current = compilePolicy(rules, current.version + 1);
    }
    inForce = next;

    const statuses = [
      ...candidates.map(statusOf),
      ...hidden.map((document) => statusOf({ document, chosen: document }, "kept-last-good")),
    ];
  }
}
