/**
 * Holds lines of Parley's access log against Cassandra's audit log.
 *
 * @module
 */
import type { LogLine } from "../e2e/access_log.ts";
import { CALLED, type Entry, tableResource } from "./audit.ts";
import type { Conversation, Step } from "./conversation.ts";

/** A step that the server has taken, and what both logs say of it. */
export interface Judged {
  readonly step: Step;
  /** One for each statement; a BATCH has one for itself before those of its parts. */
  readonly entries: readonly Entry[];
  readonly lines: readonly LogLine[];
  /** The keyspace of the session at that time, by the audit log. */
  readonly session: string;
}

/**
 * Finds what both logs say of each step that was accepted.
 *
 * @param lines of its connection, in their order
 * @param log the entries since the conversation has begun
 */
export function matched(
  { steps }: Conversation,
  lines: readonly LogLine[],
  log: readonly Entry[],
): Judged[] {
  const groups = grouped(lines);
  const judged: Judged[] = [];
  let at = 0;
  let session = "";
  for (const [i, step] of steps.entries()) {
    if (step.outcome !== "accepted") continue;
    const first = log.findIndex((entry, j) => j >= at && begins(entry, step));
    const count = step.opcode === "batch" ? 1 + step.texts.length : 1;
    const entries = first < 0 ? [] : log.slice(first, first + count);
    at = first < 0 ? at : first + count;
    judged.push({ step, entries, lines: groups[i + 1] ?? [], session });
    const used = entries.find(({ type }) => type === "USE_KEYSPACE");
    if (used) session = used.keyspace;
  }
  return judged;
}

/** The lines before the first OPTIONS, before the second … */
function grouped(lines: readonly LogLine[]): LogLine[][] {
  const groups: LogLine[][] = [[]];
  for (const line of lines) {
    if (line.fields["opcode"] === "options") groups.push([]);
    else groups.at(-1)!.push(line);
  }
  return groups;
}

/** Whether an entry is the first of a step. */
function begins(
  { type, operation }: Entry,
  { opcode, texts: [text] }: Step,
): boolean {
  if (opcode === "batch") return operation.startsWith("BatchId:[");
  return (type === "PREPARE_STATEMENT") === (opcode === "prepare") &&
    isOf(operation, text!);
}

/** Whether an operation is this text; the log hides what is behind the word PASSWORD. */
function isOf(operation: string, text: string): boolean {
  if (operation === text) return true;
  const password = text.toLowerCase().indexOf("password");
  return password >= 0 &&
    operation.startsWith(text.slice(0, password + "password".length));
}

/** What is wrong with the lines, by the server's entries for the same step; empty if they agree. */
export function disagreement(
  { step, entries, lines, session }: Judged,
): string {
  if (entries.length === 0) return "not in the audit log";
  const { opcode, keyspace } = step;
  const wrong = lines.find(({ verdict, fields }) =>
    verdict !== "forwarded" || fields["opcode"] !== opcode
  );
  if (lines.length === 0 || wrong) return "not logged as it was asked";
  // Ids are read in the keyspace that they were prepared in.
  const isText = opcode === "query" || opcode === "prepare";
  const home = keyspace ?? session;
  if (isText && lines.some(({ fields }) => fields["keyspace"] !== home)) {
    return `not asked in ${home}`;
  }
  const [entry, ...parts] = entries;
  if (opcode === "batch") {
    if (parts.length !== lines.length) return `not ${parts.length} statements`;
    return parts.map((part, i) => ofOne(lines[i]!, part)).join("");
  }
  if (isBatch(entry!, lines)) return ofParts(lines);
  return lines.length > 1 ? "not a single statement" : ofOne(lines[0]!, entry!);
}

/** Of a batch in one text the audit log names neither parts nor tables. */
function isBatch({ type, scope }: Entry, lines: readonly LogLine[]): boolean {
  return type === "BATCH" ||
    type === "PREPARE_STATEMENT" && scope === "" && lines.length > 1;
}

function ofParts(lines: readonly LogLine[]): string {
  const actions = ["insert", "update", "delete", "empty-batch"];
  return lines.every(({ fields }) =>
      actions.includes(String(fields["query_action"]))
    )
    ? ""
    : "not a batch";
}

function ofOne({ fields }: LogLine, entry: Entry): string {
  const { type, keyspace, scope } = entry;
  const action = String(fields["query_action"]);
  const called = CALLED[action];
  const prepared = type === "PREPARE_STATEMENT";
  if (!called || !prepared && called.type !== type) return `not ${type}`;
  if (prepared && scope === "") return ""; // of most the log says no more
  const tables = [fields["query_table"] ?? []].flat().map(String);
  const expected = (ok: boolean) => ok ? "" : `not ${keyspace}.${scope}`;
  switch (called.scope) {
    case "table":
      // A view is logged with the table that it reads.
      if (action === "create-materialized-view") {
        const [view, base, ...more] = tables;
        return expected(
          view === `${keyspace}.${scope}` && more.length === 0 &&
            base!.startsWith(`${keyspace}.`),
        );
      }
      return expected(`${tables}` === `${keyspace}.${scope}`);
    case "resource":
      return expected(`${tables}` === tableResource(scope));
    case "index":
    case "trigger":
      return expected(
        action === "drop-index"
          ? tables.length === 0
          : tables.length === 1 && tables[0]!.startsWith(`${keyspace}.`),
      );
  }
  // Of others the log names neither a thing nor its keyspace.
  if (!called.keyspace) return "";
  return expected(
    `${tables}` === (/keyspace$|^use$/.test(action) ? keyspace : ""),
  );
}
