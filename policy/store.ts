/**
 * Holds the policy in force while its files change.
 *
 * @module
 */
import { compilePolicy } from "./compile.ts";
import { findConflict, reportConflict } from "./conflict.ts";
import type { PolicyDocument } from "./document.ts";
import { type PolicyFile, readFile, type Source } from "./file.ts";
import type { CompiledPolicy, L7Catalog, Subject } from "./model.ts";
import type { Problem } from "./problem.ts";
import { DEFAULTS, type Kind, type ReadingOptions } from "./scope.ts";
import { readStored, type StoredDocument, storeDocument } from "./stored.ts";
import { warnOfUnfed } from "./unfed.ts";
import { warnOfUnnamed } from "./unnamed.ts";

export type { Source } from "./file.ts";

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
  /** `partly enforced: …`: what a sidecar cannot enforce of it. */
  readonly partly: readonly string[];
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
  /** The documents in force. */
  readonly inForce: readonly StoredDocument[];
  /** Puts documents in force that another store held, as if it had been this one. */
  adopt(documents: readonly StoredDocument[]): void;
  /**
   * Reads all policy files anew; never throws.
   *
   * `sources` is the complete set: what is not in it is no longer in force.
   * `catalog` replaces the one given before.
   */
  update(sources: readonly Source[], catalog?: L7Catalog): UpdateResult;
}

/** A document as it is written, and the version of it that is to be in force. */
interface Candidate {
  readonly document: PolicyDocument;
  readonly lastGood: PolicyDocument | undefined;
  chosen: PolicyDocument | undefined;
}

type InForce = ReadonlyMap<string, PolicyDocument>;

/**
 * Starts without documents: every connection is allowed.
 *
 * `subjects` are the workloads that are guarded; conflicts between rules are
 * looked for among those that select one of them (see conflict.ts).
 */
export function createPolicyStore(
  catalog: L7Catalog,
  subjects: readonly Subject[] = [],
  options: ReadingOptions = DEFAULTS,
): PolicyStore {
  let parsers = catalog;
  let inForce: InForce = new Map();
  let current = compilePolicy([], 0);
  let refused = false;

  function update(
    sources: readonly Source[],
    catalog?: L7Catalog,
  ): UpdateResult {
    parsers = catalog ?? parsers;
    const files = sources.map((source) => {
      return readFile(source, parsers, subjects, options);
    });
    const written = files.flatMap(({ documents }) => documents);
    warnOfUnfed(written, options);
    warnOfUnnamed(written, subjects);
    const candidates = candidatesOf(files, inForce);
    const hidden = hiddenIn(files, candidates, inForce);
    settleConflicts(candidates, hidden, subjects);

    const next = new Map<string, PolicyDocument>();
    const kept = hidden.map((document) => ({ chosen: document }));
    for (const { chosen } of [...candidates, ...kept]) {
      if (chosen !== undefined) next.set(chosen.key, chosen);
    }
    if (!isSame(inForce, next)) {
      const rules = [...next.values()].flatMap(({ rules }) => rules);
      current = compilePolicy(rules, current.version + 1);
    }
    inForce = next;
    refused = candidates.some(({ chosen }) => chosen === undefined) ||
      files.some((file) => hasLost(file, hidden));
    return resultOf(files, candidates, hidden);
  }

  return {
    get current() {
      return current;
    },
    get refused() {
      return refused;
    },
    get inForce() {
      return [...inForce.values()].map(storeDocument);
    },
    adopt(documents) {
      inForce = new Map(documents.map((stored) => {
        const document = readStored(stored);
        return [document.key, document];
      }));
      const rules = [...inForce.values()].flatMap(({ rules }) => rules);
      current = compilePolicy(rules, current.version + 1);
    },
    update,
  };
}

/** Chooses the new version of each document, or its last good one. */
function candidatesOf(
  files: readonly PolicyFile[],
  inForce: InForce,
): Candidate[] {
  const seen = new Map<string, PolicyDocument>();
  return files.flatMap(({ documents, isBroken }) => {
    return documents.map((document): Candidate => {
      const twin = seen.get(document.key);
      if (twin !== undefined) {
        reportTwin(document, twin);
        return { document, lastGood: undefined, chosen: undefined };
      }
      seen.set(document.key, document);
      const lastGood = inForce.get(document.key);
      if (isBroken || document.problems.some(isError)) {
        return { document, lastGood, chosen: lastGood };
      }
      // An unchanged document stays the same object: so do its L7 sets.
      const isChanged = lastGood?.fingerprint !== document.fingerprint;
      return { document, lastGood, chosen: isChanged ? document : lastGood };
    });
  });
}

function reportTwin(document: PolicyDocument, twin: PolicyDocument): void {
  const name = document.root.get("metadata").get("name");
  name.error(
    "doc.twice",
    `${document.kind} ${document.id} is also in ${twin.file}`,
    "rename one of the two, or join their rules",
  );
}

/**
 * Documents in force that a file may still hold, where it cannot be read or
 * does not name them.
 */
function hiddenIn(
  files: readonly PolicyFile[],
  candidates: readonly Candidate[],
  inForce: InForce,
): PolicyDocument[] {
  // An empty file is one that somebody is about to write, or that a full disk cut.
  const unread = files
    .filter(({ unnamed, documents }) => unnamed > 0 || documents.length === 0)
    .map(({ file }) => file);
  const named = new Set(candidates.map(({ document }) => document.key));
  return [...inForce.values()].filter(({ file, key }) => {
    return unread.includes(file) && !named.has(key);
  });
}

/** Whether a file holds more that cannot be told than is kept from before. */
function hasLost(
  { file, unnamed }: PolicyFile,
  hidden: readonly PolicyDocument[],
): boolean {
  return unnamed > hidden.filter((document) => document.file === file).length;
}

/**
 * Puts documents back to their last good version, or leaves them out if there
 * is none, until none is in conflict with another.
 *
 * Of two, the one that changed gives way, and of two that changed the later:
 * what is in force is not displaced by a newcomer. The versions in force agreed
 * with each other, so this ends.
 */
function settleConflicts(
  candidates: readonly Candidate[],
  hidden: readonly PolicyDocument[],
  subjects: readonly Subject[],
): void {
  for (;;) {
    const fixed = hidden.map((document): Candidate => {
      return { document, lastGood: document, chosen: document };
    });
    const all = [...fixed, ...candidates]
      .filter(({ chosen }) => chosen !== undefined);
    const conflict = findConflict(all.map(({ chosen }) => chosen!), subjects);
    if (conflict === undefined) return;
    const { earlier, later } = conflict;
    const loser = [later, earlier].find(({ document }) => {
      return all[document]!.chosen !== all[document]!.lastGood;
    });
    if (loser === undefined) return; // cannot be: the last good ones agreed
    const candidate = all[loser.document]!;
    reportConflict(candidate.document.root.reporter, conflict, loser);
    candidate.chosen = candidate.lastGood;
  }
}

function isSame(a: InForce, b: InForce): boolean {
  const others = [...b.values()];
  return a.size === b.size &&
    [...a.values()].every((document, index) => document === others[index]);
}

function resultOf(
  files: readonly PolicyFile[],
  candidates: readonly Candidate[],
  hidden: readonly PolicyDocument[],
): UpdateResult {
  const problems = files.flatMap((file) => {
    const own = file.documents.flatMap(({ problems }) => problems);
    const isEmptied = hidden.some((document) => document.file === file.file);
    return [...isEmptied ? file.problems.map(emptied) : file.problems, ...own]
      .sort((a, b) => a.line - b.line || a.column - b.column);
  });
  const documents = [
    ...candidates.map((candidate) => {
      const { document } = candidate;
      return describe(document, statusOf(candidate), document.problems);
    }),
    ...hidden.map((document) => describe(document, "kept-last-good", [])),
  ];
  return { problems, documents };
}

/** Of a file that held something before, it is an error to hold nothing. */
function emptied(problem: Problem): Problem {
  if (problem.code !== "doc.none") return problem;
  return {
    ...problem,
    severity: "error",
    message: "the file holds no document any more; what it held is in force",
    mend: "write a policy, or [] for none, or delete the file",
  };
}

function statusOf({ document, chosen }: Candidate): DocumentStatus["status"] {
  if (chosen === undefined) return "refused";
  const isWritten = chosen.fingerprint === document.fingerprint;
  return isWritten && !document.problems.some(isError)
    ? "applied"
    : "kept-last-good";
}

function describe(
  { id, file, kind, name }: PolicyDocument,
  status: DocumentStatus["status"],
  problems: readonly Problem[],
): DocumentStatus {
  const partly = problems.filter(({ code }) => code.startsWith("partly."))
    .map(({ message, path }) => `${message} (${path})`);
  return { id, file, kind, name, status, problems, partly };
}

function isError({ severity }: Problem): boolean {
  return severity === "error";
}
