/**
 * Clauses that several statements have (Parser.g: `whereClause`, `usingClause`,
 * `updateConditions`, `properties`).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import {
  braces,
  expression,
  integer,
  marker,
  parentheses,
} from "./expression.ts";
import { isLiteral, isName, K, T } from "./tokens.ts";

/** `IF NOT EXISTS`, or nothing. */
export function ifNotExists(c: Cursor): void {
  if (!c.accept(K.IF)) return;
  c.expect(K.NOT);
  c.expect(K.EXISTS);
}

/** `IF EXISTS`, or nothing. */
export function ifExists(c: Cursor): void {
  if (c.accept(K.IF)) c.expect(K.EXISTS);
}

/** `cident`: the name of a column, which may be empty. */
export function column(c: Cursor): void {
  if (!c.accept(T.EMPTY_NAME)) c.ident();
}

/** One or more columns between commas. */
export function columns(c: Cursor): void {
  do column(c); while (c.accept(T.COMMA));
}

/** `WHERE …`, or nothing. */
export function where(c: Cursor): void {
  if (c.accept(K.WHERE)) relations(c);
}

/** `USING TIMESTAMP … AND TTL …`, or nothing. */
export function using(c: Cursor): void {
  if (!c.accept(K.USING)) return;
  do {
    if (!c.accept(K.TTL)) c.expect(K.TIMESTAMP);
    integer(c);
  } while (c.accept(K.AND));
}

/** `IF EXISTS`, `IF` with conditions, or nothing. `exists` may be a column. */
export function conditions(c: Cursor): void {
  if (!c.accept(K.IF)) return;
  if (c.kind === K.EXISTS && !isRelation(c.peek())) c.take();
  else relations(c);
}

function relations(c: Cursor): void {
  do relation(c); while (c.accept(K.AND));
}

/** `relation`, `customIndexExpression`, `columnCondition`. */
function relation(c: Cursor): void {
  if (c.kind === T.LEFT_PAREN) return inParentheses(c);
  if (c.accept(T.EXPR)) {
    c.touch("index", "", c.name());
    c.expect(T.COMMA);
    expression(c);
    return c.expect(T.RIGHT_PAREN);
  }
  if (c.accept(K.TOKEN)) {
    c.expect(T.LEFT_PAREN);
    columns(c);
    c.expect(T.RIGHT_PAREN);
  } else {
    column(c);
  }
  compared(c);
}

/** A relation, or columns that are compared as a tuple. */
function inParentheses(c: Cursor): void {
  if (!c.enter()) return;
  c.expect(T.LEFT_PAREN);
  if (c.kind === T.LEFT_PAREN || c.kind === K.TOKEN) {
    relation(c);
    c.expect(T.RIGHT_PAREN);
  } else {
    column(c);
    if (c.kind === T.COMMA || c.kind === T.RIGHT_PAREN) {
      while (c.accept(T.COMMA)) column(c);
      c.expect(T.RIGHT_PAREN);
      compared(c);
    } else {
      compared(c);
      c.expect(T.RIGHT_PAREN);
    }
  }
  c.leave();
}

/** What a relation has behind its column or columns. */
function compared(c: Cursor): void {
  if (c.accept(T.LEFT_BRACKET)) {
    expression(c);
    c.expect(T.RIGHT_BRACKET);
  } else if (c.accept(T.DOT)) {
    c.ident();
  }
  if (c.accept(K.IS)) {
    c.expect(K.NOT);
    return c.expect(K.NULL);
  }
  if (c.accept(K.BETWEEN)) {
    expression(c);
    c.expect(K.AND);
    return expression(c);
  }
  if (c.accept(K.NOT) && c.kind !== K.IN && c.kind !== K.CONTAINS) {
    return c.fail("IN");
  }
  if (c.accept(K.CONTAINS)) {
    // A function may be of a keyspace that is called so.
    if (c.kind === K.KEY && c.peek() !== T.DOT) c.take();
  } else if (c.accept(K.IN)) {
    if (c.kind === T.LEFT_PAREN) parentheses(c);
    else marker(c);
    return;
  } else if (isComparison(c.kind) || c.kind === K.LIKE) {
    c.take();
  } else {
    return c.fail("a comparison");
  }
  expression(c);
}

function isRelation(kind: number): boolean {
  return isComparison(kind) || kind === T.LEFT_BRACKET || kind === T.DOT ||
    kind === K.IS || kind === K.BETWEEN || kind === K.NOT ||
    kind === K.CONTAINS || kind === K.LIKE || kind === K.IN;
}

function isComparison(kind: number): boolean {
  return kind >= T.EQUAL && kind <= T.GREATER_EQUAL;
}

/** `WITH` properties, or nothing. */
export function withProperties(c: Cursor): void {
  if (c.accept(K.WITH)) properties(c);
}

/** One or more properties, those of tables and views among them. */
export function properties(c: Cursor): void {
  do property(c); while (c.accept(K.AND));
}

function property(c: Cursor): void {
  if (c.kind === K.COMPACT && c.peek() === K.STORAGE) {
    c.take();
    return c.take();
  }
  if (c.kind === K.CLUSTERING && c.peek() === K.ORDER) {
    c.take();
    return clusteringOrder(c);
  }
  c.ident();
  c.expect(T.EQUAL);
  if (c.kind === T.LEFT_BRACE) return braces(c);
  // A name that is a value is a keyword: any other has quotes.
  if (isLiteral(c.kind) || (isName(c.kind) && c.kind >= K.ACCESS)) c.take();
  else c.fail("a value");
}

function clusteringOrder(c: Cursor): void {
  c.expect(K.ORDER);
  c.expect(K.BY);
  c.expect(T.LEFT_PAREN);
  do {
    c.ident();
    if (!c.accept(K.ASC)) c.expect(K.DESC);
  } while (c.accept(T.COMMA));
  c.expect(T.RIGHT_PAREN);
}

/** `jsonValue`. */
export function jsonValue(c: Cursor): void {
  if (!c.accept(T.STRING)) marker(c);
}

/** `WITH` properties. */
export function withSome(c: Cursor): void {
  c.expect(K.WITH);
  properties(c);
}

/** `[IF EXISTS] a TO b AND c TO d`. */
export function renames(c: Cursor): void {
  ifExists(c);
  do {
    c.ident();
    c.expect(K.TO);
    c.ident();
  } while (c.accept(K.AND));
}
