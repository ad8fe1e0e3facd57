import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { recognize } from "./recognize.ts";

/** A target as `kind keyspace.name`, without the kind if it is a table. */
function touched(text: string): string[] {
  return recognize(text).map(({ action, targets }) =>
    [
      action,
      ...targets.map(({ kind, keyspace, name }) => {
        const qualified = keyspace === "" || kind === "keyspace"
          ? name
          : `${keyspace}.${name}`;
        return kind === "table" ? qualified : `${kind} ${qualified}`;
      }),
    ].join(", ")
  );
}

/** Statements, and what each part of them does to what. */
const KNOWN: Readonly<Record<string, string | readonly string[]>> = {
  // Names
  "SELECT * FROM t": "select, t",
  "SELECT*FROM KS . T": "select, ks.t",
  'SELECT * FROM "KS"."T""x"': 'select, KS.T"x',
  "SELECT * FROM ks/* from a.b */./**/t-- x\n": "select, ks.t",
  "\n select a from t;;": "select, t",
  "SELECT a FROM list": "select, list",
  "SELECT a FROM keys.values": "select, keys.values",
  "SELECT a FROM expr": "select, expr",
  // SELECT
  "SELECT * FROM secret.t WHERE k = ' from public.t '": "select, secret.t",
  "SELECT * FROM secret.t WHERE k = $$ from public.t; $$": "select, secret.t",
  "SELECT JSON a, b AS c FROM t": "select, t",
  "SELECT json FROM t": "select, t",
  "SELECT json AS from_ FROM t": "select, t",
  "SELECT DISTINCT k FROM t": "select, t",
  "SELECT distinct, json, count, ttl FROM t": "select, t",
  "SELECT COUNT(*), TTL(a), WRITETIME(a), MAXWRITETIME(a), CAST(a AS text) FROM t":
    "select, t",
  "SELECT min(a), s.f(b, 1) FROM ks.t":
    "select, function ks.min, function s.f, ks.t",
  "SELECT a.b.c, m['x'], l[1..2], l[..3] FROM t": "select, t",
  "SELECT (a, b), [a], {a}, {'x': a}, (int) 5, -a + b * 2 FROM t": "select, t",
  "SELECT (map<text, int>) {'x': a} FROM t": "select, t",
  "SELECT token(k) FROM t WHERE token(k) > -5 AND token(a, b) <= token(1, 2)":
    "select, function token, t, function token",
  "SELECT a FROM t WHERE a IN (1, 2) AND b IN () AND c IN ? AND (d, e) IN ((1, 2), (3, 4))":
    "select, t",
  "SELECT a FROM t WHERE (a, b) > (1, 2) AND ((c = 3)) AND d CONTAINS KEY 'x' AND e['y'] = 1":
    "select, t",
  "SELECT a FROM t WHERE a LIKE '%x' AND b IS NOT NULL AND c BETWEEN 1 AND 2":
    "select, t",
  "SELECT a FROM t WHERE expr(i, 'x') AND \"\" = 1": "select, t, index i",
  "SELECT a FROM ks.t WHERE k IN ('x') GROUP BY k, c ORDER BY c DESC PER PARTITION LIMIT 1 LIMIT ? ALLOW FILTERING":
    "select, ks.t",
  "SELECT a FROM t WHERE k = ('x') PER PARTITION LIMIT 1": "select, t",
  "SELECT a FROM t ORDER BY v ANN OF [1.0, 2] LIMIT 3": "select, t",
  // INSERT, UPDATE, DELETE
  "INSERT INTO secret.t(db1) VALUES (1)": "insert, secret.t",
  "INSERT INTO t (a, b) VALUES (?, :b) IF NOT EXISTS USING TTL 3 AND TIMESTAMP ?":
    "insert, t",
  "INSERT INTO t JSON '{}' DEFAULT UNSET": "insert, t",
  "INSERT INTO json JSON :x": "insert, json",
  "INSERT INTO t (a) VALUES ({street: 'x', no: {1, 2}})": "insert, t",
  "INSERT INTO t (a) VALUES ((frozen<list<u>>) [])": "insert, t, type u",
  "UPDATE t USING TTL 1 SET a = a + 1, b = [1] + b, c['x'] = 2, d.e = 3, f += {1} WHERE k = 1 IF EXISTS":
    "update, t",
  "UPDATE t SET a = a -1 WHERE k = 1": "update, t",
  'UPDATE t SET "" = "" + 1 WHERE k = 1': "update, t",
  "SELECT (a)[..3], (list<int>) [1, 2] FROM t": "select, t",
  'SELECT DISTINCT "", TTL("") FROM t GROUP BY ""': "select, t",
  "UPDATE t SET a = 1 WHERE k = 1 IF exists = 3 AND b[1] IN (1) AND c.d != ?":
    "update, t",
  "DELETE FROM ks.t WHERE k = 1": "delete, ks.t",
  "DELETE a, b['x'], c.d FROM t USING TIMESTAMP 1 WHERE k = 1 IF a = 1":
    "delete, t",
  // BATCH
  'BEGIN BATCH INSERT INTO a (k) VALUES (1); UPDATE b.c SET x = 1 WHERE k = 1 DELETE FROM "D" WHERE k = 1; APPLY BATCH;':
    ["insert, a", "update, b.c", "delete, D"],
  "BEGIN UNLOGGED BATCH USING TIMESTAMP 1 DELETE FROM a WHERE k = 1 APPLY BATCH":
    ["delete, a"],
  "BEGIN COUNTER BATCH UPDATE a SET c = c + 1 WHERE k = 1; APPLY BATCH": [
    "update, a",
  ],
  "BEGIN BATCH APPLY BATCH": "empty-batch",
  // Others about rows
  'USE "Ks"': "use, keyspace Ks",
  "TRUNCATE t": "truncate-table, t",
  "TRUNCATE TABLE ks.t": "truncate-table, ks.t",
  "TRUNCATE COLUMNFAMILY ks.t": "truncate-table, ks.t",
  // Keyspaces and tables
  "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'x'} AND durable_writes = false":
    "create-keyspace, keyspace ks",
  "CREATE SCHEMA ks WITH a = 1": "create-keyspace, keyspace ks",
  "ALTER KEYSPACE IF EXISTS ks WITH a = 'x'": "alter-keyspace, keyspace ks",
  'DROP KEYSPACE IF EXISTS "Ks"': "drop-keyspace, keyspace Ks",
  "CREATE TABLE IF NOT EXISTS ks.t (a int PRIMARY KEY, b frozen<u>, c o.u, d text STATIC MASKED WITH DEFAULT,)":
    "create-table, ks.t, type ks.u, type o.u",
  "CREATE COLUMNFAMILY t (a text MASKED WITH ks.f(1, NULL), b vector<float, 3>, PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC) AND COMPACT STORAGE AND comment = 'x'":
    "create-table, t, function ks.f",
  "ALTER TABLE IF EXISTS ks.t ADD IF NOT EXISTS (a int STATIC, b u)":
    "alter-table, ks.t, type ks.u",
  "ALTER TABLE t ADD a int": "alter-table, t",
  "ALTER TABLE t DROP IF EXISTS (a, b) USING TIMESTAMP 1": "alter-table, t",
  "ALTER TABLE t DROP compact": "alter-table, t",
  "ALTER TABLE t DROP COMPACT STORAGE": "alter-table, t",
  "ALTER TABLE t RENAME a TO b AND c TO d": "alter-table, t",
  "ALTER TABLE t ALTER a TYPE int": "alter-table, t",
  "ALTER TABLE t ALTER IF EXISTS a DROP MASKED": "alter-table, t",
  "ALTER TABLE t ALTER a MASKED WITH mask_inner(1, 2)":
    "alter-table, t, function mask_inner",
  "ALTER TABLE t WITH caching = {'keys': 'ALL'}": "alter-table, t",
  "DROP TABLE IF EXISTS ks.t": "drop-table, ks.t",
  // Indexes, views, types, triggers
  "CREATE INDEX ON ks.t (KEYS(m))": "create-index, ks.t",
  "CREATE CUSTOM INDEX IF NOT EXISTS i ON ks.t (FULL(a), b) USING 'sai' WITH OPTIONS = {'a': 'b'}":
    "create-index, index ks.i, ks.t",
  "DROP INDEX IF EXISTS ks.i": "drop-index, index ks.i",
  "CREATE MATERIALIZED VIEW v AS SELECT a, b FROM secret.t WHERE a IS NOT NULL PRIMARY KEY ((a), b) WITH comment = 'x'":
    "create-materialized-view, v, secret.t",
  "CREATE MATERIALIZED VIEW IF NOT EXISTS ks.v AS SELECT * FROM t PRIMARY KEY (a)":
    "create-materialized-view, ks.v, ks.t",
  'CREATE MATERIALIZED VIEW v AS SELECT "" FROM t PRIMARY KEY (("", a), b)':
    "create-materialized-view, v, t",
  "ALTER MATERIALIZED VIEW ks.v WITH comment = 'x'":
    "alter-materialized-view, ks.v",
  "DROP MATERIALIZED VIEW IF EXISTS ks.v": "drop-materialized-view, ks.v",
  "CREATE TYPE ks.u (a int, b frozen<v>)": "create-type, type ks.u, type ks.v",
  "ALTER TYPE u ALTER a TYPE text": "alter-type, type u",
  "ALTER TYPE u ADD IF NOT EXISTS a int": "alter-type, type u",
  "ALTER TYPE IF EXISTS u RENAME IF EXISTS a TO b AND c TO d":
    "alter-type, type u",
  "DROP TYPE IF EXISTS ks.u": "drop-type, type ks.u",
  "CREATE TRIGGER IF NOT EXISTS x ON ks.t USING 'c'":
    "create-trigger, trigger ks.x, ks.t",
  "DROP TRIGGER IF EXISTS x ON ks.t": "drop-trigger, trigger ks.x, ks.t",
  // Functions
  "CREATE OR REPLACE FUNCTION ks.f (a int, b list<u>) CALLED ON NULL INPUT RETURNS text LANGUAGE java AS $$ from a.b $$":
    "create-function, function ks.f, type ks.u",
  "CREATE FUNCTION IF NOT EXISTS f () RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'x'":
    "create-function, function f",
  "DROP FUNCTION IF EXISTS ks.f (int, text)": "drop-function, function ks.f",
  "CREATE OR REPLACE AGGREGATE ks.a (int) SFUNC f STYPE tuple<int> FINALFUNC g INITCOND (0, 1)":
    "create-aggregate, aggregate ks.a, function ks.f, function ks.g",
  "DROP AGGREGATE a": "drop-aggregate, aggregate a",
  // Roles
  "CREATE ROLE IF NOT EXISTS 'R' WITH PASSWORD = 'x' AND LOGIN = true AND SUPERUSER = false AND OPTIONS = {'a': 1}":
    "create-role, role R",
  "CREATE ROLE r WITH HASHED PASSWORD = 'x' AND ACCESS TO DATACENTERS {'a', 'b'} AND ACCESS FROM ALL CIDRS":
    "create-role, role r",
  'ALTER ROLE IF EXISTS "R" WITH GENERATED PASSWORD': "alter-role, role R",
  "DROP ROLE r": "drop-role, role r",
  "CREATE USER u WITH PASSWORD 'x' SUPERUSER": "create-user, role u",
  "ALTER USER u NOSUPERUSER": "alter-user, role u",
  "DROP USER IF EXISTS u": "drop-user, role u",
  "ADD IDENTITY IF NOT EXISTS 'spiffe://x' TO ROLE 'r'":
    "add-identity, identity spiffe://x, role r",
  "DROP IDENTITY 'spiffe://x'": "drop-identity, identity spiffe://x",
  "GRANT a TO b": "grant-role, role a, role b",
  "GRANT 'a' TO unmask": "grant-role, role a, role unmask",
  "GRANT all TO all": "grant-role, role all, role all",
  "REVOKE select_masked FROM b": "revoke-role, role select_masked, role b",
  "GRANT ALL PERMISSIONS ON KEYSPACE ks TO r":
    "grant-permission, keyspace ks, role r",
  "GRANT SELECT PERMISSION, MODIFY ON TABLE ks.t TO r":
    "grant-permission, ks.t, role r",
  "GRANT ALL ON all TO r": "grant-permission, all, role r",
  "GRANT ALL ON role.function TO r": "grant-permission, role.function, role r",
  "GRANT ALL ON role TO r": "grant-permission, role, role r",
  "GRANT ALTER ON ROLE x TO r": "grant-permission, role x, role r",
  "REVOKE UNMASK ON ALL TABLES IN KEYSPACE ks FROM r":
    "revoke-permission, keyspace ks, role r",
  "REVOKE EXECUTE ON FUNCTION ks.f (int) FROM r":
    "revoke-permission, function ks.f, role r",
  "REVOKE EXECUTE ON ALL FUNCTIONS IN KEYSPACE ks FROM r":
    "revoke-permission, keyspace ks, role r",
  "GRANT DESCRIBE ON ALL MBEANS TO r": "grant-permission, role r",
  "GRANT SELECT ON MBEAN 'a:b=c' TO r": "grant-permission, mbean a:b=c, role r",
  "LIST ROLES OF r NORECURSIVE": "list-roles, role r",
  "LIST USERS": "list-users",
  "LIST SUPERUSERS": "list-superusers",
  // What DSE and Scylla add in CQL's own forms.
  "SELECT * FROM ks.t WHERE solr_query = 'a:b'": "select, ks.t",
  "CREATE TABLE ks.t (k int PRIMARY KEY) WITH scylla_encryption_options = {'cipher_algorithm': 'x'} AND cdc = {'enabled': true}":
    "create-table, ks.t",
  "ALTER KEYSPACE ks WITH tablets = {'enabled': false}":
    "alter-keyspace, keyspace ks",
  "LIST ALL PERMISSIONS": "list-permissions",
  "LIST SELECT ON ks.t OF r": "list-permissions, ks.t, role r",
  // DESCRIBE
  "DESCRIBE CLUSTER": "describe",
  "DESC FULL SCHEMA WITH INTERNALS": "describe",
  "DESCRIBE TABLES": "describe",
  "DESCRIBE tables.x": "describe, tables.x, index tables.x",
  "DESCRIBE ONLY KEYSPACE ks": "describe, keyspace ks",
  "DESCRIBE KEYSPACE": "describe, keyspace ",
  "DESC TABLE ks.t": "describe, ks.t",
  "DESC MATERIALIZED VIEW v": "describe, v",
  "DESC INDEX ks.i": "describe, index ks.i",
  "DESC TYPE u": "describe, type u",
  "DESC type": "describe, keyspace type",
  "DESC FUNCTION ks.f": "describe, function ks.f",
  "DESC AGGREGATE a": "describe, aggregate a",
  'DESC "X"': "describe, keyspace X",
};

for (const [text, want] of Object.entries(KNOWN)) {
  Deno.test(`recognize() reads ${text}`, () => {
    assertEquals(touched(text), typeof want === "string" ? [want] : want);
  });
}

/** Texts that are not known, and why. */
const UNKNOWN: Readonly<Record<string, string>> = {
  "": "expected a statement, found the end at character 1",
  ";": "expected a statement, found ; at character 1",
  "SELEKT * FROM t": "expected a statement, found a name at character 1",
  "SELECT * FROM a; SELECT * FROM b":
    "expected the end, found SELECT at character 18",
  "SELECT * FROM t -- x":
    "expected the end, found a comment without its end at character 17",
  "SELECT * FROM t /* x":
    "expected the end, found a comment without its end at character 17",
  "SELECT * FROM t WHERE a = 'x":
    "expected a value, found a string without its end at character 27",
  "SELECT * FROM select": "expected a name, found SELECT at character 15",
  "SELECT * FROM ?": "expected a name, found ? at character 15",
  'SELECT * FROM ""': 'expected a name, found "" at character 15',
  "SELECT * FROM a.b.c": "expected the end, found . at character 18",
  "SELECT * FROM a, b": "expected the end, found , at character 16",
  "SELECT * FROM a WHERE b IN (SELECT c FROM d)":
    "expected a value, found SELECT at character 29",
  "SELECT expr(a) FROM t": "expected a value, found expr( at character 8",
  "SELECT a FROM t WHERE a = b":
    "expected a value, found a name at character 27",
  "UPDATE t SET a = b + 1 WHERE k = 1":
    "expected the column that is set, found a name at character 18",
  "UPDATE t SET a = 1": "expected WHERE, found the end at character 19",
  "DELETE FROM t": "expected WHERE, found the end at character 14",
  "BEGIN BATCH SELECT * FROM t APPLY BATCH":
    "expected APPLY, found SELECT at character 13",
  "BEGIN BATCH DELETE FROM t WHERE k = 1":
    "expected APPLY, found the end at character 38",
  "CREATE TABLE a LIKE b": "expected (, found LIKE at character 16",
  "CREATE VIEW v AS SELECT * FROM t":
    "expected a thing of the schema or a role, found VIEW at character 8",
  "COPY t TO 'file'": "expected a statement, found a name at character 1",
  // What DSE and Scylla add in forms of their own.
  "SELECT * FROM t BYPASS CACHE":
    "expected the end, found a name at character 17",
  "SELECT * FROM t USING TIMEOUT 1s":
    "expected the end, found USING at character 17",
  "UPDATE t USING TIMEOUT 1s SET a = 1 WHERE k = 1":
    "expected TIMESTAMP, found a name at character 16",
  "PRUNE MATERIALIZED VIEW v":
    "expected a statement, found a name at character 1",
  "CREATE SEARCH INDEX ON t":
    "expected a thing of the schema or a role, found a name at character 8",
  "RESTRICT ROWS ON t USING a":
    "expected a statement, found a name at character 1",
  "GRANT PROXY.LOGIN ON ROLE a TO b":
    "expected a permission, found a name at character 7",
  "SELECT * FROM \ud800":
    "expected a name, found a character without meaning at character 15",
  "SELECT * FROM t\0":
    "expected the end, found a character without meaning at character 16",
};

for (const [text, reason] of Object.entries(UNKNOWN)) {
  Deno.test(`recognize() does not know ${JSON.stringify(text)}`, () => {
    const [statement, ...more] = recognize(text);
    assertEquals(more, []);
    assertEquals(statement!.action, "unknown");
    assertEquals(statement!.targets, []);
    assertEquals(statement!.reason, reason);
  });
}

const SHAPES: Readonly<Record<string, readonly string[]>> = {
  "SELECT  a,b\n FROM /* x */ t  ;  ": ["SELECT a,b FROM t"],
  "SELECT a/**/FROM t--x\n": ["SELECT a FROM t"],
  "-- secret\nSELECT * FROM t": ["SELECT * FROM t"],
  "SELECT a FROM t WHERE b = 'it''s' AND c=-1.5 AND d = 0xCA AND e = true AND f = 1h AND g = $$x$$ LIMIT 5":
    [
      "SELECT a FROM t WHERE b = ? AND c=? AND d = ? AND e = ? AND f = ? AND g = ? LIMIT ?",
    ],
  "SELECT a FROM t WHERE b = 12345678-1234-1234-1234-123456789abc AND c = NaN AND d IN (?, :x)":
    [
      "SELECT a FROM t WHERE b = ? AND c = ? AND d IN (?, :x)",
    ],
  "CREATE ROLE 'r' WITH PASSWORD = 'x'": ["CREATE ROLE ? WITH PASSWORD = ?"],
  "BEGIN BATCH INSERT INTO a (k)  VALUES (1);  DELETE FROM b WHERE k = 'x' APPLY BATCH":
    [
      "INSERT INTO a (k) VALUES (?)",
      "DELETE FROM b WHERE k = ?",
    ],
  "SELECT * FROM t WHERE a = 'it's secret'": ["SELECT * FROM t WHERE a = ? …"],
  "SELECT * FROM t WHERE a = 'secret": ["SELECT * FROM t WHERE a = …"],
  "INSERT INTO t (a) VALUES ('O'Brien')": ["INSERT INTO t (a) VALUES (? …"],
  "INSERT INTO t (a) VALUES (secret)": ["INSERT INTO t (a) VALUES ( …"],
  "secret": ["…"],
};

for (const [text, want] of Object.entries(SHAPES)) {
  Deno.test(`recognize() gives ${JSON.stringify(text)} a shape without values`, () => {
    assertEquals(recognize(text).map(({ shape }) => shape), want);
  });
}
