/**
 * The schema that generated statements are about: names of every kind that a
 * server takes, and columns of every kind of type.
 *
 * @module
 */

/** Keyspaces: plain, of two cases, and named like a keyword. */
export const KEYSPACES = ["shop", "Shop", "select", "keys"];

/** Tables that each keyspace has, all alike. */
export const TABLES = [
  "orders",
  "Orders",
  "table",
  "from",
  "list",
  "json",
  "all",
  "t_1",
];

/** Columns of those tables and their types; the first two are the key. */
export const COLUMNS: Readonly<Record<string, string>> = {
  k: "int",
  "C": "int",
  a: "int",
  text: "text",
  "Big": "bigint",
  flag: "boolean",
  d: "double",
  n: "duration",
  id: "uuid",
  bytes: "blob",
  "select": "text",
  json: "text",
  tags: "set<text>",
  items: "list<int>",
  counts: "map<text, int>",
  place: "frozen<address>",
  spot: "address",
  pair: "tuple<int, text>",
  vec: "vector<float, 3>",
  at: "timestamp",
  fixed: "int",
};

/** The one that is static. */
export const STATIC = "fixed";

/** Fields of the user type `address`. */
export const ADDRESS: Readonly<Record<string, string>> = {
  street: "text",
  "Number": "int",
};

/** A table of counters: key `k`, counter `c`. */
export const COUNTERS = "counters";

/** A view that each keyspace has, on its `orders`. */
export const VIEW = "by_c";

/** Roles. */
export const ROLES = ["reader", "Writer", "all"];

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What makes the schema, statement by statement. */
export function schema(): string[] {
  const columns = Object.entries(COLUMNS).map(([column, type]) =>
    `${quoted(column)} ${type}${column === STATIC ? " static" : ""}`
  );
  return [
    ...KEYSPACES.flatMap((keyspace) => ofKeyspace(quoted(keyspace), columns)),
    ...ROLES.map((role) => `CREATE ROLE IF NOT EXISTS ${quoted(role)}`),
  ];
}

function ofKeyspace(keyspace: string, columns: readonly string[]): string[] {
  return [
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    `CREATE TYPE ${keyspace}.address (${
      Object.entries(ADDRESS).map(([field, type]) => `${quoted(field)} ${type}`)
    })`,
    ...TABLES.map((table) =>
      `CREATE TABLE ${keyspace}.${
        quoted(table)
      } (${columns}, PRIMARY KEY (k, "C"))`
    ),
    `CREATE CUSTOM INDEX ON ${keyspace}.orders (vec) USING 'StorageAttachedIndex'`,
    `CREATE TABLE ${keyspace}.${COUNTERS} (k int PRIMARY KEY, c counter)`,
    `CREATE MATERIALIZED VIEW ${keyspace}.${VIEW} AS SELECT k, "C", a FROM ${keyspace}.orders ` +
    `WHERE k IS NOT NULL AND "C" IS NOT NULL PRIMARY KEY ("C", k)`,
    `CREATE FUNCTION ${keyspace}.plus (a int, b int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a == null || b == null ? null : a + b;'`,
    `CREATE AGGREGATE ${keyspace}.total (int) SFUNC plus STYPE int INITCOND 0`,
  ];
}
