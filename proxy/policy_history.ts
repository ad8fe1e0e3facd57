/**
 * What has become of the policy documents, and since when.
 *
 * @module
 */
// Not through policy/mod.ts: the supervisor needs no more than this.
import type { DocumentStatus, UpdateResult } from "../policy/mod.ts";
import { formatProblem } from "../policy/problem.ts";
import type { StoredDocument } from "../policy/stored.ts";

/** A document as it was judged. */
export interface JudgedDocument extends Omit<DocumentStatus, "problems"> {
  /** Each with its place, and how to mend it. */
  readonly problems: readonly string[];
}

/** A document that was written, or that is in force still. */
export interface DocumentState extends JudgedDocument {
  /** When this became of it, or another version of it came in force (RFC 3339). */
  readonly since: string;
}

/** The policy as a whole. */
export interface PolicyState {
  /** From 1 on: that of the log's "policy version N is in force". */
  readonly version: number;
  /** When it came in force (RFC 3339). */
  readonly since: string;
  readonly documents: readonly DocumentState[];
  /** Errors and warnings of all files, those too that hold no document. */
  readonly problems: readonly string[];
  /** Why the files could not be read when this was tried last; the policy of before is in force. */
  readonly error?: string;
}

/** What a reading of all files came to. */
export interface JudgedPolicy {
  /** In force. */
  readonly documents: readonly StoredDocument[];
  /** Absent when no file was read. */
  readonly judged?: readonly JudgedDocument[];
  readonly problems: UpdateResult["problems"];
}

/** The documents of a reading. One that its file hides has the file's errors. */
export function judgedDocuments(
  { documents, problems }: UpdateResult,
): JudgedDocument[] {
  const errors = problems.filter(({ severity }) => severity === "error");
  return documents.map(({ problems: own, ...document }) => {
    const hiding = errors.filter(({ file }) => file === document.file);
    const told = own.length === 0 && document.status !== "applied"
      ? hiding
      : own.filter(({ severity }) => severity !== "note");
    return { ...document, problems: told.map(formatProblem) };
  });
}

/** What became of a document, with what is in force of it, and since when. */
interface Seen {
  readonly text: string;
  readonly since: string;
}

/** Follows the policy from reading to reading. */
export class PolicyHistory {
  #state: PolicyState = { version: 0, since: "", documents: [], problems: [] };
  #inForce = "";
  /** By document. */
  #seen = new Map<string, Seen>();

  get state(): PolicyState {
    return this.#state;
  }

  /** Takes over what was judged; whether another policy is in force by that. The first one always is. */
  follow(policy: JudgedPolicy, now: string): boolean {
    const { documents, judged, problems } = policy;
    const before = this.#state;
    const inForce = JSON.stringify(documents);
    const isOther = before.version === 0 || inForce !== this.#inForce;
    this.#inForce = inForce;
    this.#state = {
      version: before.version + (isOther ? 1 : 0),
      since: isOther ? now : before.since,
      documents: judged
        ? this.#dated(judged, documents, now)
        : before.documents,
      problems: problems.filter(({ severity }) => severity !== "note")
        .map(formatProblem),
      ...(judged || before.error === undefined ? {} : { error: before.error }),
    };
    return isOther;
  }

  /** The files could not be read: what is in force stays. */
  unreadable(error: string): void {
    this.#state = { ...this.#state, error };
  }

  #dated(
    judged: readonly JudgedDocument[],
    documents: readonly StoredDocument[],
    now: string,
  ): DocumentState[] {
    const texts = Map.groupBy(documents, placeOf);
    const seen = new Map<string, Seen>();
    const dated = judged.map((document): DocumentState => {
      const { kind, id, status } = document;
      const place = placeOf(document);
      const text = JSON.stringify([status, texts.get(place)]);
      const key = `${kind} ${id} ${place}`;
      const known = this.#seen.get(key);
      const since = known?.text === text ? known.since : now;
      seen.set(key, { text, since });
      return { ...document, since };
    });
    this.#seen = seen;
    return dated;
  }
}

function placeOf(
  { file, name }: { readonly file: string; readonly name: string },
) {
  return `${name} ${file}`;
}
