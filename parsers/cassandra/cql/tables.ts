/**
 * Tables, indexes and views (Parser.g: `createTableStatement`,
 * `alterTableStatement`, `createIndexStatement`, `createMaterializedViewStatement`).
 *
 * @module
 */
import {
  column,
  columns,
  ifExists,
  ifNotExists,
  renames,
  where,
  withProperties,
  withSome,
} from "./clauses.ts";
import type { Cursor } from "./cursor.ts";
import { selectors } from "./data.ts";
import { expressions, qualifiedFunction, type } from "./expression.ts";
import { K, T } from "./tokens.ts";

/** `CREATE TABLE …`, behind the first word; so all of these. */
export function createTable(c: Cursor): string {
  c.expect(K.COLUMNFAMILY);
  ifNotExists(c);
  c.main("table");
  c.expect(T.LEFT_PAREN);
  do {
    if (c.kind === T.COMMA || c.kind === T.RIGHT_PAREN) continue; // `a int,,`
    if (c.kind === K.PRIMARY) {
      primaryKey(c);
    } else {
      columnDefinition(c);
      if (c.accept(K.PRIMARY)) c.expect(K.KEY);
    }
  } while (c.accept(T.COMMA));
  c.expect(T.RIGHT_PAREN);
  withProperties(c);
  return "create-table";
}

/** `name type [STATIC] [MASKED WITH …]`. */
function columnDefinition(c: Cursor): void {
  c.ident();
  type(c);
  c.accept(K.STATIC);
  mask(c);
}

/** `columnMask`, or nothing. */
function mask(c: Cursor): void {
  if (!c.accept(K.MASKED)) return;
  c.expect(K.WITH);
  if (c.kind === K.DEFAULT && isMaskEnd(c.peek())) return c.take();
  qualifiedFunction(c, "function");
  c.expect(T.LEFT_PAREN);
  if (c.kind !== T.RIGHT_PAREN) expressions(c);
  c.expect(T.RIGHT_PAREN);
}

/** Whether a mask has ended, so that DEFAULT was not the name of a function. */
function isMaskEnd(kind: number): boolean {
  return kind !== T.LEFT_PAREN && kind !== T.DOT;
}

/** `PRIMARY KEY ((a, b), c)`. Before 4.0 a view's may have the column without a name. */
function primaryKey(c: Cursor): void {
  c.expect(K.PRIMARY);
  c.expect(K.KEY);
  c.expect(T.LEFT_PAREN);
  if (c.accept(T.LEFT_PAREN)) {
    columns(c);
    c.expect(T.RIGHT_PAREN);
  } else {
    column(c);
  }
  if (c.accept(T.COMMA)) columns(c);
  c.expect(T.RIGHT_PAREN);
}

/** `CREATE [CUSTOM] INDEX …`. */
export function createIndex(c: Cursor): string {
  c.accept(K.CUSTOM);
  c.expect(K.INDEX);
  ifNotExists(c);
  if (c.kind !== K.ON) c.touch("index", "", c.name());
  c.expect(K.ON);
  c.main("table");
  c.expect(T.LEFT_PAREN);
  if (c.kind !== T.RIGHT_PAREN) {
    do indexed(c); while (c.accept(T.COMMA));
  }
  c.expect(T.RIGHT_PAREN);
  if (c.accept(K.USING)) c.expect(T.STRING);
  withProperties(c);
  return "create-index";
}

/** `indexIdent`: a column, or `KEYS(column)` and its like. */
function indexed(c: Cursor): void {
  if (!c.accept(K.FULL) && !c.accept(K.ENTRIES)) column(c);
  if (!c.accept(T.LEFT_PAREN)) return;
  column(c);
  c.expect(T.RIGHT_PAREN);
}

/** `CREATE MATERIALIZED VIEW …`. Without a keyspace the table is of the view's. */
export function createView(c: Cursor): string {
  c.expect(K.MATERIALIZED);
  c.expect(K.VIEW);
  ifNotExists(c);
  c.main("table");
  c.expect(K.AS);
  c.expect(K.SELECT);
  selectors(c);
  c.expect(K.FROM);
  c.qualified("table");
  where(c);
  primaryKey(c);
  withProperties(c);
  return "create-materialized-view";
}

/** `ALTER TABLE …`. */
export function alterTable(c: Cursor): string {
  c.expect(K.COLUMNFAMILY);
  ifExists(c);
  c.main("table");
  if (c.accept(K.ALTER)) {
    ifExists(c);
    column(c);
    if (c.accept(K.TYPE)) type(c);
    else if (c.accept(K.DROP)) c.expect(K.MASKED);
    else if (c.kind === K.MASKED) mask(c);
    else c.fail("TYPE");
  } else if (c.accept(K.ADD)) {
    ifNotExists(c);
    inParenthesesOrOne(c, columnDefinition);
  } else if (c.accept(K.DROP)) {
    dropColumns(c);
  } else if (c.accept(K.RENAME)) {
    renames(c);
  } else {
    withSome(c);
  }
  return "alter-table";
}

function dropColumns(c: Cursor): void {
  if (c.kind === K.COMPACT && c.peek() === K.STORAGE) {
    c.take();
    return c.take();
  }
  ifExists(c);
  inParenthesesOrOne(c, column);
  if (!c.accept(K.USING)) return;
  c.expect(K.TIMESTAMP);
  c.expect(T.INTEGER);
}

function inParenthesesOrOne(c: Cursor, thing: (c: Cursor) => void): void {
  if (!c.accept(T.LEFT_PAREN)) return thing(c);
  do thing(c); while (c.accept(T.COMMA));
  c.expect(T.RIGHT_PAREN);
}
