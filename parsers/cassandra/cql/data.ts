/**
 * Statements about rows (Parser.g: `selectStatement` to `batchStatement`,
 * `useStatement`, `truncateStatement`).
 *
 * @module
 */
import {
  column,
  columns,
  conditions,
  jsonValue,
  using,
  where,
} from "./clauses.ts";
import { ifNotExists } from "./clauses.ts";
import type { Cursor } from "./cursor.ts";
import {
  beginsOperand,
  expression,
  expressions,
  integer,
  mayBeCall,
  operand,
  operator,
} from "./expression.ts";
import type { Statement } from "./statement.ts";
import { isName, K, T } from "./tokens.ts";

/** `SELECT …`. */
export function select(c: Cursor): string {
  c.expect(K.SELECT);
  // Both are names of columns too, so they count only before something selected.
  if (c.kind === K.JSON && beginsSelector(c.peek())) c.take();
  if (c.kind === K.DISTINCT && beginsSelector(c.peek())) c.take();
  selectors(c);
  c.expect(K.FROM);
  c.main("table");
  where(c);
  if (c.accept(K.GROUP)) {
    c.expect(K.BY);
    c.columns = true;
    expressions(c);
    c.columns = false;
  }
  if (c.accept(K.ORDER)) ordering(c);
  if (c.accept(K.PER)) {
    c.expect(K.PARTITION);
    c.expect(K.LIMIT);
    integer(c);
  }
  if (c.accept(K.LIMIT)) integer(c);
  if (c.accept(K.ALLOW)) c.expect(K.FILTERING);
  return "select";
}

/** `selectors`: `*`, or what is selected with its aliases. */
export function selectors(c: Cursor): void {
  if (c.accept(T.STAR)) return;
  c.columns = true;
  do {
    expression(c);
    // `JSON as` is not told from `json AS alias` before the alias is missing.
    if (c.accept(K.AS) && isName(c.kind)) c.ident();
  } while (c.accept(T.COMMA));
  c.columns = false;
}

/** A column that is called AS is not told from an alias: rather the latter. */
function beginsSelector(kind: number): boolean {
  return (beginsOperand(kind) && kind !== K.AS) || kind === T.STAR ||
    kind === T.MINUS || kind === T.EMPTY_NAME;
}

/** `orderByClause`, behind `ORDER`. */
function ordering(c: Cursor): void {
  c.expect(K.BY);
  do {
    column(c);
    if (c.accept(K.ANN)) {
      c.expect(K.OF);
      expression(c);
    }
    if (!c.accept(K.ASC)) c.accept(K.DESC);
  } while (c.accept(T.COMMA));
}

/** `INSERT …`, of values or of JSON. */
export function insert(c: Cursor): string {
  c.expect(K.INSERT);
  c.expect(K.INTO);
  c.main("table");
  if (c.accept(K.JSON)) {
    jsonValue(c);
    if (c.accept(K.DEFAULT) && !c.accept(K.NULL)) c.expect(K.UNSET);
  } else {
    c.expect(T.LEFT_PAREN);
    columns(c);
    c.expect(T.RIGHT_PAREN);
    c.expect(K.VALUES);
    c.expect(T.LEFT_PAREN);
    expressions(c);
    c.expect(T.RIGHT_PAREN);
  }
  ifNotExists(c);
  using(c);
  return "insert";
}

/** `UPDATE …`. */
export function update(c: Cursor): string {
  c.expect(K.UPDATE);
  c.main("table");
  using(c);
  c.expect(K.SET);
  do assignment(c); while (c.accept(T.COMMA));
  if (c.kind !== K.WHERE) c.fail("WHERE");
  where(c);
  conditions(c);
  return "update";
}

/** `columnOperation`. */
function assignment(c: Cursor): void {
  const { kind, start, end } = c;
  column(c);
  if (c.accept(T.PLUS_EQUAL) || c.accept(T.MINUS_EQUAL)) return expression(c);
  if (c.accept(T.LEFT_BRACKET)) {
    expression(c);
    c.expect(T.RIGHT_BRACKET);
  } else if (c.accept(T.DOT)) {
    c.ident();
  }
  c.expect(T.EQUAL);
  do {
    if (isColumn(c.kind) && !mayBeCall(c.peek())) {
      itself(c, c.resolve(kind, start, end));
    } else {
      operand(c);
    }
  } while (operator(c));
}

function isColumn(kind: number): boolean {
  return isName(kind) || kind === T.EMPTY_NAME;
}

/** The column that is set, in what it is set to: `a = a + 1`. */
function itself(c: Cursor, set: string): void {
  if (c.resolve(c.kind, c.start, c.end) !== set) {
    return c.fail("the column that is set");
  }
  c.take();
  c.accept(T.INTEGER); // `a = a -1` has no minus sign: the number is -1.
}

/** `DELETE …`. */
export function remove(c: Cursor): string {
  c.expect(K.DELETE);
  if (c.kind !== K.FROM) {
    do removal(c); while (c.accept(T.COMMA));
  }
  c.expect(K.FROM);
  c.main("table");
  using(c);
  if (c.kind !== K.WHERE) c.fail("WHERE");
  where(c);
  conditions(c);
  return "delete";
}

/** `deleteOp`. */
function removal(c: Cursor): void {
  column(c);
  if (c.accept(T.LEFT_BRACKET)) {
    expression(c);
    c.expect(T.RIGHT_BRACKET);
  } else if (c.accept(T.DOT)) {
    c.ident();
  }
}

/** `BEGIN BATCH … APPLY BATCH`: its parts, each a statement. */
export function batch(c: Cursor): readonly Statement[] {
  c.expect(K.BEGIN);
  if (!c.accept(K.UNLOGGED)) c.accept(K.COUNTER);
  c.expect(K.BATCH);
  using(c);
  const parts: Statement[] = [];
  while (isPart(c.kind)) {
    c.begin();
    const action = part(c);
    parts.push(c.statement(action));
    c.accept(T.SEMICOLON);
  }
  c.expect(K.APPLY);
  c.expect(K.BATCH);
  return parts.length > 0 ? parts : [c.statement("empty-batch")];
}

function isPart(kind: number): boolean {
  return kind === K.INSERT || kind === K.UPDATE || kind === K.DELETE;
}

function part(c: Cursor): string {
  if (c.kind === K.INSERT) return insert(c);
  return c.kind === K.UPDATE ? update(c) : remove(c);
}

/** `USE keyspace`. */
export function use(c: Cursor): string {
  c.expect(K.USE);
  c.keyspace();
  return "use";
}

/** `TRUNCATE [TABLE] table`. */
export function truncate(c: Cursor): string {
  c.expect(K.TRUNCATE);
  c.accept(K.COLUMNFAMILY);
  c.main("table");
  return "truncate-table";
}
