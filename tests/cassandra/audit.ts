/**
 * Reads Cassandra's audit log (`AuditLogEntry.getLogString`), and says what of
 * it a recognized statement must agree with.
 *
 * @module
 */
import type { Statement } from "../../parsers/cassandra/cql/mod.ts";

/** Behind each entry, since an entry may have any number of lines. */
const END = "=== end of the entry ===";

/** How logback is to write the log. */
export const LAYOUT = `%msg%n${END}%n`;

/** What the server says of one statement. */
export interface Entry {
  readonly type: string;
  /** Empty: the statement is of no keyspace. */
  readonly keyspace: string;
  /** A table, or what else the statement is about; often empty. */
  readonly scope: string;
  /** The statement as it was sent, but for passwords. */
  readonly operation: string;
}

/** The entries of a log. */
export function entries(log: string): Entry[] {
  return log.split(`\n${END}\n`).slice(0, -1).map((text) => {
    const from = text.indexOf("|operation:");
    const head = from < 0 ? text : text.slice(0, from);
    const fields = new Map(
      head.split("|").map((field) => {
        const colon = field.indexOf(":");
        return [field.slice(0, colon), field.slice(colon + 1)];
      }),
    );
    return {
      type: fields.get("type") ?? "",
      keyspace: fields.get("ks") ?? "",
      scope: fields.get("scope") ?? "",
      operation: from < 0 ? "" : text.slice(from + "|operation:".length),
    };
  });
}

/** What the log calls an action, and what its scope names. */
export interface Called {
  readonly type: string;
  /** The kind of target whose name is the scope; absent: there is no scope. */
  readonly scope?:
    | "table"
    | "index"
    | "type"
    | "function"
    | "aggregate"
    | "trigger"
    | "resource";
  /** Whether the keyspace is that of the scope, or of the statement. Else it is the session's. */
  readonly keyspace?: true;
}

const ofTable = (type: string): Called => ({
  type,
  scope: "table",
  keyspace: true,
});

/** INSERT is an UPDATE for the server, a user a role, and a batch one statement. */
export const CALLED: Readonly<Record<string, Called>> = {
  "select": ofTable("SELECT"),
  "insert": ofTable("UPDATE"),
  "update": ofTable("UPDATE"),
  "delete": ofTable("DELETE"),
  "truncate-table": ofTable("TRUNCATE"),
  "use": { type: "USE_KEYSPACE", keyspace: true },
  "create-keyspace": { type: "CREATE_KEYSPACE", keyspace: true },
  "alter-keyspace": { type: "ALTER_KEYSPACE", keyspace: true },
  "drop-keyspace": { type: "DROP_KEYSPACE", keyspace: true },
  "create-table": ofTable("CREATE_TABLE"),
  "alter-table": ofTable("ALTER_TABLE"),
  "drop-table": ofTable("DROP_TABLE"),
  "create-materialized-view": ofTable("CREATE_VIEW"),
  "alter-materialized-view": ofTable("ALTER_VIEW"),
  "drop-materialized-view": ofTable("DROP_VIEW"),
  "create-index": { type: "CREATE_INDEX", scope: "index", keyspace: true },
  "drop-index": { type: "DROP_INDEX", scope: "index", keyspace: true },
  "create-type": { type: "CREATE_TYPE", scope: "type", keyspace: true },
  "alter-type": { type: "ALTER_TYPE", scope: "type", keyspace: true },
  "drop-type": { type: "DROP_TYPE", scope: "type", keyspace: true },
  "create-function": {
    type: "CREATE_FUNCTION",
    scope: "function",
    keyspace: true,
  },
  "drop-function": { type: "DROP_FUNCTION", scope: "function", keyspace: true },
  "create-aggregate": {
    type: "CREATE_AGGREGATE",
    scope: "aggregate",
    keyspace: true,
  },
  "drop-aggregate": {
    type: "DROP_AGGREGATE",
    scope: "aggregate",
    keyspace: true,
  },
  "create-trigger": {
    type: "CREATE_TRIGGER",
    scope: "trigger",
    keyspace: true,
  },
  "drop-trigger": { type: "DROP_TRIGGER", scope: "trigger", keyspace: true },
  "create-role": { type: "CREATE_ROLE" },
  "alter-role": { type: "ALTER_ROLE" },
  "drop-role": { type: "DROP_ROLE" },
  "create-user": { type: "CREATE_ROLE" },
  "alter-user": { type: "ALTER_ROLE" },
  "drop-user": { type: "DROP_ROLE" },
  "add-identity": { type: "CREATE_IDENTITY" },
  "drop-identity": { type: "DROP_IDENTITY" },
  "grant-role": { type: "GRANT" },
  "revoke-role": { type: "REVOKE" },
  "grant-permission": { type: "GRANT", scope: "resource" },
  "revoke-permission": { type: "REVOKE", scope: "resource" },
  "list-roles": { type: "LIST_ROLES" },
  "list-users": { type: "LIST_ROLES" },
  "list-permissions": { type: "LIST_PERMISSIONS" },
  "describe": { type: "DESCRIBE" },
  "empty-batch": { type: "BATCH" },
};

/** What is wrong with a reading, by what the server says of the same text; empty if they agree. */
export function disagreement(
  statements: readonly Statement[],
  entry: Entry,
  session: string,
): string {
  // Of a batch the log names neither parts nor tables.
  if (entry.type === "BATCH") {
    const parts = statements.every(({ action }) =>
      ["insert", "update", "delete", "empty-batch"].includes(action)
    );
    return parts ? "" : "not a batch";
  }
  // What is only prepared has a type of its own; and of a batch it has no more.
  const prepared = entry.type === "PREPARE_STATEMENT";
  if (prepared && entry.scope === "") return "";
  if (statements.length !== 1) return "not a single statement";
  const { action, targets } = statements[0]!;
  const called = CALLED[action];
  if (!called || !prepared && called.type !== entry.type) {
    return `not ${entry.type}`;
  }
  if (called.scope === "resource") {
    const expected = tableResource(entry.scope);
    const table = targets.find(({ kind }) => kind === "table");
    const found = table ? `${table.keyspace || session}.${table.name}` : "";
    return found === expected ? "" : `not the resource ${entry.scope}`;
  }
  const named = targets.find(({ kind }) => kind === called.scope);
  // The server names an index itself if the statement does not.
  if (called.scope && !(called.scope === "index" && !named)) {
    if (named?.name !== entry.scope) return `not about ${entry.scope}`;
  }
  if (!called.keyspace) return "";
  const about = named ?? targets[0];
  const keyspace = about?.keyspace || session;
  return keyspace === entry.keyspace ? "" : `not in ${entry.keyspace}`;
}

/** `data/keyspace/table` of a GRANT (`DataResource.getName`) as `keyspace.table`; empty for what is no table. */
export function tableResource(scope: string): string {
  const [root, keyspace, table, ...more] = scope.split("/");
  const isTable = root === "data" && table !== undefined && table !== "*" &&
    more.length === 0;
  return isTable ? `${keyspace}.${table}` : "";
}
