/**
 * What statements do, by the names that rules have for it: Cilium's, and ours
 * for what it does not know (cql/recognize.ts).
 *
 * @module
 */

/** Actions on a table; a rule may say which. */
const ON_TABLES = [
  "select",
  "insert",
  "update",
  "delete",
  "create-table",
  "drop-table",
  "alter-table",
  "truncate-table",
];

/** Actions on a keyspace, whose name stands in the table's place. */
export const ON_KEYSPACES: ReadonlySet<string> = new Set([
  "use",
  "create-keyspace",
  "alter-keyspace",
  "drop-keyspace",
]);

/** Actions that say who may do what: no rule about tables alone covers them. */
export const ON_PERMISSIONS: ReadonlySet<string> = new Set([
  "grant-permission",
  "revoke-permission",
  "list-permissions",
]);

const OTHERS = [
  "create-index",
  "drop-index",
  "create-materialized-view",
  "alter-materialized-view",
  "drop-materialized-view",
  "create-role",
  "alter-role",
  "drop-role",
  "grant-role",
  "revoke-role",
  "list-roles",
  "create-user",
  "alter-user",
  "drop-user",
  "list-users",
  "list-superusers",
  "add-identity",
  "drop-identity",
  "create-function",
  "drop-function",
  "create-aggregate",
  "drop-aggregate",
  "create-type",
  "alter-type",
  "drop-type",
  "create-trigger",
  "drop-trigger",
  "describe",
];

/** Actions whose rules may have a `query_table`. */
export const WITH_TABLE: ReadonlySet<string> = new Set([
  ...ON_TABLES,
  ...ON_KEYSPACES,
]);

/** All actions that a rule may name. */
export const ACTIONS: ReadonlySet<string> = new Set([
  ...WITH_TABLE,
  ...ON_PERMISSIONS,
  ...OTHERS,
]);

/** The action of a text that the recognizer does not know. */
export const UNKNOWN = "unknown";
