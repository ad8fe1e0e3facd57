/**
 * DESCRIBE, which servers answer since 4.0 (Parser.g: `describeStatement`).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import { qualifiedFunction } from "./expression.ts";
import type { TargetKind } from "./statement.ts";
import { isName, K, T } from "./tokens.ts";

/** `DESCRIBE …` or `DESC …`. */
export function describeStatement(c: Cursor): string {
  if (!c.accept(K.DESC)) c.expect(K.DESCRIBE);
  described(c);
  if (c.accept(K.WITH)) c.expect(K.INTERNALS);
  return "describe";
}

function described(c: Cursor): void {
  const next = c.peek();
  switch (c.kind) {
    case K.FULL:
      c.take();
      return c.expect(K.SCHEMA);
    case K.SCHEMA:
      return c.take();
    case K.CLUSTER:
    case K.KEYSPACES:
    case K.TABLES:
    case K.TYPES:
    case K.FUNCTIONS:
    case K.AGGREGATES:
      if (next === T.DOT) break;
      return c.take();
    case K.ONLY:
      if (next !== K.KEYSPACE) break;
      c.take();
      return keyspace(c);
    case K.KEYSPACE:
      return keyspace(c);
    case K.COLUMNFAMILY:
      return one(c, "table");
    case K.INDEX:
      return one(c, "index");
    case K.MATERIALIZED:
      c.take();
      c.expect(K.VIEW);
      c.qualified("table");
      return;
    case K.TYPE:
      if (!isName(next)) break;
      return one(c, "type");
    case K.FUNCTION:
      if (!isName(next) && next !== K.TOKEN) break;
      c.take();
      qualifiedFunction(c, "function");
      return;
    case K.AGGREGATE:
      if (!isName(next) && next !== K.TOKEN) break;
      c.take();
      qualifiedFunction(c, "aggregate");
      return;
  }
  anything(c);
}

/** `KEYSPACE [name]`; without a name it is the session's. */
function keyspace(c: Cursor): void {
  c.expect(K.KEYSPACE);
  if (isName(c.kind)) c.keyspace();
  else c.touch("keyspace", "", "");
}

/** A thing whose kind was just said. */
function one(c: Cursor, kind: TargetKind): void {
  c.take();
  c.qualified(kind);
}

/**
 * A name without a kind. The server looks for a keyspace, if it is a single
 * name, then for a table, a view and an index. So a single one may be all of a
 * keyspace, and is no table for those who allow tables.
 */
function anything(c: Cursor): void {
  const first = c.name();
  if (!c.accept(T.DOT)) return c.touch("keyspace", first, first);
  const name = c.name();
  c.touch("table", first, name);
  c.touch("index", first, name);
}
