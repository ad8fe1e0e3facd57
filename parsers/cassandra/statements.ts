/**
 * What texts say, remembered: clients send the same few again and again.
 *
 * @module
 */
import { BoundedMap } from "parley/proxylib";
import { UNKNOWN } from "./actions.ts";
import { recognize, type Statement, type TargetKind } from "./cql/mod.ts";
import { type Request, statementRequest } from "./request.ts";

/** What is kept of all texts together, in characters, and of one. */
const KEPT = 4 * 1024 * 1024;
const LONGEST = 16 * 1024;
/** What is kept for a text beside it weighs about as much as the text, several times. */
const PER_CHARACTER = 8;

/** Things that have no keyspace. */
const WITHOUT_KEYSPACE: ReadonlySet<TargetKind> = new Set([
  "keyspace",
  "role",
  "identity",
  "mbean",
]);

/** A text, read. */
export class Recognized {
  readonly statements: readonly Statement[];
  /** Whether it depends on the keyspace of the session. */
  readonly isUnqualified: boolean;
  /** Whether it may change the keyspace of the session. */
  readonly mayUse: boolean;
  /** The last requests made of it, by the kind of request. */
  readonly #made = new Map<string, Made>();

  constructor(statements: readonly Statement[]) {
    this.statements = statements;
    this.isUnqualified = statements.some(({ action, targets }) =>
      action === UNKNOWN ||
      targets.some(({ kind, keyspace }) =>
        keyspace === "" && !WITHOUT_KEYSPACE.has(kind)
      )
    );
    this.mayUse = statements.some(({ action }) =>
      action === "use" || action === UNKNOWN
    );
  }

  /** Its statements as they are judged and logged. */
  requests(opcode: string, keyspace: string): readonly Request[] {
    const made = this.#made.get(opcode);
    if (made !== undefined && made.keyspace === keyspace) return made.requests;
    const requests = this.statements.map((statement) =>
      statementRequest(statement, opcode, keyspace)
    );
    this.#made.set(opcode, { keyspace, requests });
    return requests;
  }
}

interface Made {
  readonly keyspace: string;
  readonly requests: readonly Request[];
}

const known = new BoundedMap<Recognized>(KEPT);

/** Reads a text, or remembers it. */
export function recognized(text: string): Recognized {
  const before = known.get(text);
  if (before !== undefined) return before;
  const found = new Recognized(recognize(text));
  if (text.length <= LONGEST) {
    known.set(text, found, PER_CHARACTER * text.length);
  }
  return found;
}

/** A prepared statement: its text, and the keyspace that it was prepared in. */
export interface Prepared {
  readonly recognized: Recognized;
  readonly keyspace: string;
}

const prepared = new BoundedMap<Prepared>(KEPT);

/** A prepared statement as one text. */
export function prepareRecord(keyspace: string, text: string): string {
  return `${keyspace.length} ${keyspace}${text}`;
}

/** What {@linkcode prepareRecord} wrote. */
export function readRecord(record: string): Prepared {
  const before = prepared.get(record);
  if (before !== undefined) return before;
  const space = record.indexOf(" ");
  const text = space + 1 + Number(record.slice(0, space));
  const found = {
    keyspace: record.slice(space + 1, text),
    recognized: recognized(record.slice(text)),
  };
  if (record.length <= LONGEST) {
    prepared.set(record, found, PER_CHARACTER * record.length);
  }
  return found;
}
