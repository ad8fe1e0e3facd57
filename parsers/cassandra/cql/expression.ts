/**
 * Terms, selectors and types (Parser.g: `term`, `unaliasedSelector`,
 * `comparatorType`).
 *
 * Terms and selectors are read by the same rules, but that only selectors have
 * columns. They take what either takes, which is a little more than the server
 * does; but nothing in them names a table, and they end at the same token.
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import {
  isFunctionName,
  isLiteral,
  isName,
  isNativeType,
  K,
  T,
} from "./tokens.ts";

/** `term` or `unaliasedSelector`. */
export function expression(c: Cursor): void {
  do operand(c); while (operator(c));
}

/** Takes an operator of arithmetic, if there is one. */
export function operator(c: Cursor): boolean {
  if (c.kind < T.PLUS || c.kind > T.PERCENT) return false;
  c.take();
  return true;
}

/** One or more expressions between commas. */
export function expressions(c: Cursor): void {
  do expression(c); while (c.accept(T.COMMA));
}

/** `marker`: `?` or `:name`. */
export function marker(c: Cursor): void {
  if (c.accept(T.COLON)) c.ident();
  else c.expect(T.QUESTION);
}

/** `intValue`. */
export function integer(c: Cursor): void {
  if (!c.accept(T.INTEGER)) marker(c);
}

/** `mapLiteral`, `setLiteral`, `usertypeLiteral`: what is between braces. */
export function braces(c: Cursor): void {
  if (!c.enter()) return;
  c.expect(T.LEFT_BRACE);
  if (c.kind !== T.RIGHT_BRACE) {
    do {
      // A field of a user type, else a key or a member.
      if (isName(c.kind) && c.peek() === T.COLON) c.take();
      else expression(c);
      if (c.accept(T.COLON)) expression(c);
    } while (c.accept(T.COMMA));
  }
  c.expect(T.RIGHT_BRACE);
  c.leave();
}

/** `comparatorType`. User types are touched. */
export function type(c: Cursor): void {
  const { kind } = c;
  if (kind === T.STRING) return c.take();
  if (takesTypes(kind) && c.peek() === T.LESS) return typeOfTypes(c);
  if (isNativeType(kind) && c.peek() !== T.DOT) return c.take();
  c.qualified("type");
}

/** One or more types between commas, in parentheses, or none. */
export function typesInParentheses(c: Cursor): void {
  c.expect(T.LEFT_PAREN);
  if (c.kind !== T.RIGHT_PAREN) {
    do type(c); while (c.accept(T.COMMA));
  }
  c.expect(T.RIGHT_PAREN);
}

/** `collection_type`, `tuple_type`, `vector_type`, `FROZEN`. */
function typeOfTypes(c: Cursor): void {
  if (!c.enter()) return;
  const { kind } = c;
  c.take();
  c.expect(T.LESS);
  type(c);
  while (c.accept(T.COMMA)) {
    if (kind === K.VECTOR) c.expect(T.INTEGER);
    else type(c);
  }
  c.expect(T.GREATER);
  c.leave();
}

/** `selectionGroup`, `termGroup`: with signs, hints of types, fields and elements. */
export function operand(c: Cursor): void {
  while (c.accept(T.MINUS));
  while (c.kind === T.LEFT_PAREN) {
    const mayBeType = parentheses(c);
    // `(type) value`: the type before a value is but a hint.
    if (!mayBeType || !isHinted(c)) return modifiers(c);
  }
  value(c);
  modifiers(c);
}

/** Whether a value begins that a type may be before, and not an alias or the next clause. */
function isHinted(c: Cursor): boolean {
  if (c.kind !== K.AS && c.kind !== K.GROUP && c.kind !== K.PER) {
    return beginsOperand(c.kind);
  }
  // They are names of columns and functions too.
  const next = c.peek();
  if (c.kind === K.GROUP) return next !== K.BY;
  if (c.kind === K.PER) return next !== K.PARTITION;
  return next === T.COMMA || next === K.FROM || mayBeCall(next);
}

/** `simpleTerm`, `simpleUnaliasedSelector`, but for parentheses. */
function value(c: Cursor): void {
  const { kind } = c;
  if (isLiteral(kind) || kind === K.NULL) return c.take();
  if (kind === T.QUESTION || kind === T.COLON) return marker(c);
  if (kind === T.LEFT_BRACKET) return brackets(c);
  if (kind === T.LEFT_BRACE) return braces(c);
  if (kind === K.CAST && c.peek() === T.LEFT_PAREN) return cast(c);
  named(c);
}

/** A column, a field of it, or a function with its arguments. */
function named(c: Cursor): void {
  const { kind, start, end } = c;
  if (kind === T.EMPTY_NAME && c.columns) return c.take();
  if (!isName(kind) && kind !== K.TOKEN) return c.fail("a value");
  if (!c.columns && !mayBeCall(c.peek())) return c.fail("a value");
  c.take();
  if (c.kind === T.LEFT_PAREN) {
    // The others look like functions: COUNT(*), TTL(column), WRITETIME(column).
    if (isFunctionName(kind) && !(kind === K.COUNT && c.peek() === T.STAR)) {
      c.touch("function", "", functionName(c, kind, start, end));
    }
    return call(c);
  }
  if (kind === K.TOKEN) return c.fail("(");
  if (!c.accept(T.DOT)) return;
  const second = c.kind;
  const from = c.start;
  const until = c.end;
  if (!isName(second) && second !== K.TOKEN) return c.fail("a name");
  c.take();
  if (c.kind !== T.LEFT_PAREN) {
    // In parentheses it is a type.
    if (!c.columns && c.kind !== T.RIGHT_PAREN) c.fail("(");
    return;
  }
  const keyspace = c.resolve(kind, start, end);
  c.touch("function", keyspace, functionName(c, second, from, until));
  call(c);
}

/**
 * `functionName`: `[keyspace.]name`, as something touched.
 *
 * @returns the keyspace, if it is said
 */
export function qualifiedFunction(
  c: Cursor,
  kind: "function" | "aggregate",
): string {
  const { kind: first, start, end } = c;
  if (!isName(first) && first !== K.TOKEN) c.fail("a name");
  if (c.failed) return "";
  c.take();
  if (!c.accept(T.DOT)) {
    c.touch(kind, "", functionName(c, first, start, end));
    return "";
  }
  const second = c.kind;
  const from = c.start;
  const until = c.end;
  if (!isFunctionName(second)) c.fail("a name");
  if (c.failed) return "";
  c.take();
  const keyspace = c.resolve(first, start, end);
  c.touch(kind, keyspace, functionName(c, second, from, until));
  return keyspace;
}

/** `allowedFunctionName`: the server leaves keywords in it as they are written, but for types. */
function functionName(
  c: Cursor,
  kind: number,
  start: number,
  end: number,
): string {
  return kind >= K.ACCESS && kind < K.ASCII
    ? c.text.slice(start, end)
    : c.resolve(kind, start, end);
}

/** Whether what follows a name makes it a function's, or the keyspace of one. */
export function mayBeCall(next: number): boolean {
  return next === T.LEFT_PAREN || next === T.DOT;
}

/** Arguments, `*` among them, in parentheses. */
function call(c: Cursor): void {
  if (!c.enter()) return;
  c.expect(T.LEFT_PAREN);
  if (!c.accept(T.STAR) && c.kind !== T.RIGHT_PAREN) expressions(c);
  c.expect(T.RIGHT_PAREN);
  c.leave();
}

/** `CAST(value AS type)`. */
function cast(c: Cursor): void {
  if (!c.enter()) return;
  c.expect(K.CAST);
  c.expect(T.LEFT_PAREN);
  expression(c);
  c.expect(K.AS);
  if (isNativeType(c.kind)) c.take();
  else c.fail("a native type");
  c.expect(T.RIGHT_PAREN);
  c.leave();
}

/**
 * A value, a tuple, a type or, as some have after `IN`, nothing, in parentheses.
 *
 * @returns whether it may be a type
 */
export function parentheses(c: Cursor): boolean {
  if (!c.enter()) return false;
  c.expect(T.LEFT_PAREN);
  let mayBeType = c.kind === T.STRING || isName(c.kind);
  if (mayBeType) {
    const next = c.peek();
    mayBeType = next === T.RIGHT_PAREN || next === T.DOT;
    // A value cannot be a mere name; a column could.
    if (next === T.RIGHT_PAREN && c.kind !== T.STRING && !c.columns) {
      c.take();
    }
  }
  if (c.kind !== T.RIGHT_PAREN) {
    do {
      if (!takesTypes(c.kind) || c.peek() !== T.LESS) {
        expression(c);
        continue;
      }
      typeOfTypes(c);
      mayBeType = true;
    } while (c.accept(T.COMMA));
  }
  c.expect(T.RIGHT_PAREN);
  c.leave();
  return mayBeType;
}

/** `selectorModifier`: `.field`, `[element]`, `[from..to]`. */
function modifiers(c: Cursor): void {
  for (;;) {
    if (c.accept(T.DOT)) c.ident();
    else if (c.kind === T.LEFT_BRACKET) brackets(c);
    else return;
  }
}

/** `listLiteral` or, behind a value, `collectionSubSelection`; behind `(name)` one does not know which. */
function brackets(c: Cursor): void {
  if (!c.enter()) return;
  c.expect(T.LEFT_BRACKET);
  if (c.kind !== T.RANGE && c.kind !== T.RIGHT_BRACKET) expressions(c);
  if (c.accept(T.RANGE) && c.kind !== T.RIGHT_BRACKET) expression(c);
  c.expect(T.RIGHT_BRACKET);
  c.leave();
}

/** Whether an expression may begin so. */
export function beginsOperand(kind: number): boolean {
  return isName(kind) || isLiteral(kind) || kind === T.QUESTION ||
    kind === T.COLON || kind === T.LEFT_PAREN || kind === T.LEFT_BRACKET ||
    kind === T.LEFT_BRACE || kind === K.NULL || kind === K.TOKEN;
}

function takesTypes(kind: number): boolean {
  return kind === K.MAP || kind === K.LIST || kind === K.SET ||
    kind === K.TUPLE || kind === K.VECTOR || kind === K.FROZEN;
}
