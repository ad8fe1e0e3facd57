/**
 * Statements about the schema (Parser.g: `create…`, `alter…` and `drop…` of
 * keyspaces, tables, indexes, views, types, functions, aggregates, triggers).
 *
 * `SCHEMA` is `KEYSPACE` for servers before 4.0, and an error for later ones
 * but in DESCRIBE.
 *
 * @module
 */
import { ifExists, ifNotExists, renames, withSome } from "./clauses.ts";
import type { Cursor } from "./cursor.ts";
import {
  expression,
  qualifiedFunction,
  type,
  typesInParentheses,
} from "./expression.ts";
import { alterTable, createIndex, createTable, createView } from "./tables.ts";
import { isFunctionName, K, T } from "./tokens.ts";

/** `CREATE …`, behind that word. @returns the action; empty if it is not of the schema, and nothing was read */
export function create(c: Cursor): string {
  switch (c.kind) {
    case K.KEYSPACE:
    case K.SCHEMA:
      openNew(c);
      c.keyspace();
      withSome(c);
      return "create-keyspace";
    case K.COLUMNFAMILY:
      return createTable(c);
    case K.CUSTOM:
    case K.INDEX:
      return createIndex(c);
    case K.MATERIALIZED:
      return createView(c);
    case K.TYPE:
      return createType(c);
    case K.TRIGGER:
      openNew(c);
      trigger(c);
      c.expect(K.USING);
      c.expect(T.STRING);
      return "create-trigger";
    case K.OR:
      c.take();
      c.expect(K.REPLACE);
      return createOfFunctions(c);
    case K.FUNCTION:
    case K.AGGREGATE:
      return createOfFunctions(c);
  }
  return "";
}

/** `ALTER …`, behind that word; as {@linkcode create}. */
export function alter(c: Cursor): string {
  switch (c.kind) {
    case K.KEYSPACE:
    case K.SCHEMA:
      openExisting(c);
      c.keyspace();
      withSome(c);
      return "alter-keyspace";
    case K.COLUMNFAMILY:
      return alterTable(c);
    case K.MATERIALIZED:
      openView(c);
      withSome(c);
      return "alter-materialized-view";
    case K.TYPE:
      return alterType(c);
  }
  return "";
}

/** `DROP …`, behind that word; as {@linkcode create}. */
export function drop(c: Cursor): string {
  switch (c.kind) {
    case K.KEYSPACE:
    case K.SCHEMA:
      openExisting(c);
      c.keyspace();
      return "drop-keyspace";
    case K.COLUMNFAMILY:
      openExisting(c);
      c.main("table");
      return "drop-table";
    case K.INDEX:
      openExisting(c);
      c.main("index");
      return "drop-index";
    case K.MATERIALIZED:
      openView(c);
      return "drop-materialized-view";
    case K.TYPE:
      openExisting(c);
      c.main("type");
      return "drop-type";
    case K.TRIGGER:
      openExisting(c);
      trigger(c);
      return "drop-trigger";
    case K.FUNCTION:
      dropFunction(c, "function");
      return "drop-function";
    case K.AGGREGATE:
      dropFunction(c, "aggregate");
      return "drop-aggregate";
  }
  return "";
}

/** The word for a kind of thing that is to be made: `TYPE [IF NOT EXISTS]`. */
function openNew(c: Cursor): void {
  c.take();
  ifNotExists(c);
}

/** The word for a kind of thing that is there: `TYPE [IF EXISTS]`. */
function openExisting(c: Cursor): void {
  c.take();
  ifExists(c);
}

/** `MATERIALIZED VIEW [IF EXISTS] view`. */
function openView(c: Cursor): void {
  c.take();
  c.expect(K.VIEW);
  ifExists(c);
  c.main("table");
}

/** `trigger ON table`. */
function trigger(c: Cursor): void {
  c.touch("trigger", "", c.name());
  c.expect(K.ON);
  c.main("table");
}

function createType(c: Cursor): string {
  openNew(c);
  c.main("type");
  c.expect(T.LEFT_PAREN);
  do {
    if (c.kind === T.COMMA || c.kind === T.RIGHT_PAREN) continue;
    c.ident();
    type(c);
  } while (c.accept(T.COMMA));
  c.expect(T.RIGHT_PAREN);
  return "create-type";
}

function createOfFunctions(c: Cursor): string {
  return c.kind === K.AGGREGATE ? createAggregate(c) : createFunction(c);
}

function createFunction(c: Cursor): string {
  c.expect(K.FUNCTION);
  ifNotExists(c);
  c.home = qualifiedFunction(c, "function");
  c.expect(T.LEFT_PAREN);
  if (c.kind !== T.RIGHT_PAREN) {
    do {
      c.ident();
      type(c);
    } while (c.accept(T.COMMA));
  }
  c.expect(T.RIGHT_PAREN);
  if (c.accept(K.RETURNS)) c.expect(K.NULL);
  else c.expect(K.CALLED);
  c.expect(K.ON);
  c.expect(K.NULL);
  c.expect(K.INPUT);
  c.expect(K.RETURNS);
  type(c);
  c.expect(K.LANGUAGE);
  c.expect(T.IDENT);
  c.expect(K.AS);
  c.expect(T.STRING);
  return "create-function";
}

function createAggregate(c: Cursor): string {
  c.expect(K.AGGREGATE);
  ifNotExists(c);
  c.home = qualifiedFunction(c, "aggregate");
  typesInParentheses(c);
  c.expect(K.SFUNC);
  stateFunction(c);
  c.expect(K.STYPE);
  type(c);
  if (c.accept(K.FINALFUNC)) stateFunction(c);
  if (c.accept(K.INITCOND)) expression(c);
  return "create-aggregate";
}

/** `allowedFunctionName`: one of the aggregate's own keyspace, which cannot be written. */
function stateFunction(c: Cursor): void {
  if (isFunctionName(c.kind)) qualifiedFunction(c, "function");
  else c.fail("a function");
}

function dropFunction(c: Cursor, kind: "function" | "aggregate"): void {
  openExisting(c);
  c.home = qualifiedFunction(c, kind);
  if (c.kind === T.LEFT_PAREN) typesInParentheses(c);
}

function alterType(c: Cursor): string {
  openExisting(c);
  c.main("type");
  if (c.accept(K.ALTER)) {
    c.ident();
    c.expect(K.TYPE);
    type(c);
  } else if (c.accept(K.ADD)) {
    ifNotExists(c);
    c.ident();
    type(c);
  } else {
    c.expect(K.RENAME);
    renames(c);
  }
  return "alter-type";
}
