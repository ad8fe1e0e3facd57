/**
 * Says of a CQL text what it does, and to what: read as Cassandra 5.0 reads it
 * (Parser.g), by recursive descent, in one pass without going back.
 *
 * | statement | action |
 * | --- | --- |
 * | SELECT, INSERT, UPDATE, DELETE | `select`, `insert`, `update`, `delete` |
 * | BEGIN BATCH … APPLY BATCH | one statement for each part; `empty-batch` if there is none |
 * | USE | `use` |
 * | TRUNCATE [TABLE] | `truncate-table` |
 * | CREATE, ALTER, DROP of a KEYSPACE, TABLE, TYPE, MATERIALIZED VIEW | `create-keyspace` … `drop-materialized-view` |
 * | CREATE, DROP of an INDEX, FUNCTION, AGGREGATE, TRIGGER | `create-index` … `drop-trigger` |
 * | CREATE, ALTER, DROP of a ROLE, USER | `create-role` … `drop-user` |
 * | GRANT, REVOKE of permissions | `grant-permission`, `revoke-permission` |
 * | GRANT, REVOKE of a role | `grant-role`, `revoke-role` |
 * | LIST ROLES, USERS, permissions | `list-roles`, `list-users`, `list-permissions` |
 * | LIST SUPERUSERS | `list-superusers` |
 * | ADD IDENTITY, DROP IDENTITY | `add-identity`, `drop-identity` |
 * | DESCRIBE, in all its forms | `describe` |
 * | anything else | `unknown` |
 *
 * Names of `alter-materialized-view`, `list-superusers`, `add-identity`,
 * `drop-identity`, `describe` and `empty-batch` are ours; Cilium has the others.
 *
 * A text is known only if all of it is: a second statement behind `;` makes it
 * unknown, as it makes the server refuse it.
 *
 * @module
 */
import { Cursor } from "./cursor.ts";
import * as data from "./data.ts";
import { describeStatement } from "./describe.ts";
import * as roles from "./roles.ts";
import * as schema from "./schema.ts";
import type { Statement } from "./statement.ts";
import { K, T } from "./tokens.ts";

/**
 * Recognizes one text, as it stands in QUERY, PREPARE or a part of BATCH.
 *
 * ```ts
 * import { recognize } from "./recognize.ts";
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 *
 * assertEquals(recognize(`select * from "Shop".orders where id = 7`), [{
 *   action: "select",
 *   targets: [{ kind: "table", keyspace: "Shop", name: "orders" }],
 *   shape: `select * from "Shop".orders where id = ?`,
 * }]);
 * ```
 *
 * @returns one statement, or one for each part of a batch; never none
 */
export function recognize(cql: string): readonly Statement[] {
  const cursor = new Cursor(cql);
  const statements = cursor.kind === K.BEGIN
    ? data.batch(cursor)
    : [single(cursor)];
  while (cursor.accept(T.SEMICOLON));
  if (cursor.kind !== T.END) cursor.fail("the end");
  return cursor.failed ? [cursor.unknown()] : statements;
}

function single(c: Cursor): Statement {
  const action = statement(c);
  return c.statement(action);
}

function statement(c: Cursor): string {
  switch (c.kind) {
    case K.SELECT:
      return data.select(c);
    case K.INSERT:
      return data.insert(c);
    case K.UPDATE:
      return data.update(c);
    case K.DELETE:
      return data.remove(c);
    case K.USE:
      return data.use(c);
    case K.TRUNCATE:
      return data.truncate(c);
    case K.CREATE:
      c.take();
      return schema.create(c) || roles.create(c) || nothing(c);
    case K.ALTER:
      c.take();
      return schema.alter(c) || roles.alter(c) || nothing(c);
    case K.DROP:
      c.take();
      return schema.drop(c) || roles.drop(c) || nothing(c);
    case K.GRANT:
      return roles.grant(c);
    case K.REVOKE:
      return roles.revoke(c);
    case K.LIST:
      return roles.list(c);
    case K.ADD:
      return roles.addIdentity(c);
    case K.DESC:
    case K.DESCRIBE:
      return describeStatement(c);
  }
  c.fail("a statement");
  return "";
}

function nothing(c: Cursor): string {
  c.fail("a thing of the schema or a role");
  return "";
}
