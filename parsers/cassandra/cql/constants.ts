/**
 * Where numbers, durations and UUIDs end (Lexer.g, `INTEGER` to `UUID`).
 *
 * The server's lexer decides by what it sees ahead which rule it follows, and
 * does not turn back: `12345678-1` must become a UUID, `1e` a float, `1n` a
 * duration, and else the statement is refused. So here.
 *
 * @module
 */
import { T } from "./tokens.ts";

/** Not a constant, or not a whole one. */
export const NOT = -1;

const UUID_LENGTH = 36;
const UUID_GROUPS = [8, 13, 18, 23];
const MICRO = 0xb5;

/**
 * The end of the constant at `start`, which begins with a digit or with `-` and
 * a digit, and its kind: `end * 16 + kind`, so that nothing is allocated, or
 * {@linkcode NOT}.
 */
export function constant(text: string, start: number): number {
  let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
  if (at === start) {
    if (text.charCodeAt(at) === ZERO && (text.charCodeAt(at + 1) | 32) === X) {
      return is(T.BLOB, hexEnd(text, at + 2));
    }
    const uuid = uuidEnd(text, start);
    if (uuid === NOT) return NOT;
    if (uuid !== start) return is(T.UUID, uuid);
  }
  at = digitsEnd(text, at);
  const next = text.charCodeAt(at);
  if (next === DOT) return afterDot(text, at);
  switch (next | 32) {
    case E:
      return exponent(text, at);
    case A:
    case B:
    case C:
    case F:
      return begunUuid(text, start, at) ? NOT : is(T.INTEGER, at);
  }
  const unit = unitEnd(text, at, start);
  if (unit === NOT) return NOT;
  return unit === at
    ? is(T.INTEGER, at)
    : is(T.DURATION, durationEnd(text, unit, start));
}

/** A dot after digits: of a float, unless it begins `..`, the sign for a range. */
function afterDot(text: string, dot: number): number {
  if (text.charCodeAt(dot + 1) === DOT && text.charCodeAt(dot + 2) !== DOT) {
    return is(T.INTEGER, dot);
  }
  const end = digitsEnd(text, dot + 1);
  return (text.charCodeAt(end) | 32) === E
    ? exponent(text, end)
    : is(T.FLOAT, end);
}

function exponent(text: string, e: number): number {
  const sign = text.charCodeAt(e + 1);
  const digits = sign === PLUS || sign === MINUS ? e + 2 : e + 1;
  const end = digitsEnd(text, digits);
  return end === digits ? NOT : is(T.FLOAT, end);
}

/** Whether a hex letter at `at` makes the lexer expect a UUID from `start` on; there is none. */
function begunUuid(text: string, start: number, at: number): boolean {
  return at - start < UUID_GROUPS[0]! && text.charCodeAt(start) !== MINUS;
}

/** The end of `1h30m`, which begins at `start` and whose first unit ends at `from`. */
function durationEnd(text: string, from: number, start: number): number {
  let end = from;
  while (isDigit(text.charCodeAt(end))) {
    const digits = digitsEnd(text, end);
    const unit = unitEnd(text, digits, start);
    if (unit === digits || unit === NOT) return NOT;
    end = unit;
  }
  return end;
}

/** The end of `y mo w d h m s ms us µs ns`; `at` if there is no unit, {@linkcode NOT} if half of one. */
function unitEnd(text: string, at: number, start: number): number {
  const code = text.charCodeAt(at);
  const second = text.charCodeAt(at + 1) | 32;
  switch (code | 32) {
    case Y:
    case W:
    case H:
    case S:
      return at + 1;
    case D:
      return isHexLetter(second) && begunUuid(text, start, at + 1)
        ? NOT
        : at + 1;
    case M:
      return second === O || second === S ? at + 2 : at + 1;
    case U:
    case N:
      return second === S ? at + 2 : NOT;
  }
  if (code !== MICRO) return at;
  return second === S ? at + 2 : NOT;
}

/**
 * The end of the UUID at `start`; `start` if there is none, and
 * {@linkcode NOT} if its first eight digits and dash are all there is.
 */
export function uuidEnd(text: string, start: number): number {
  if (text.charCodeAt(start + 8) !== MINUS) return start;
  if (hexEnd(text, start) !== start + 8) return start;
  for (let i = 9; i < UUID_LENGTH; i++) {
    const code = text.charCodeAt(start + i);
    if (UUID_GROUPS.includes(i) ? code !== MINUS : !isHex(code)) return NOT;
  }
  return start + UUID_LENGTH;
}

/**
 * The end of the ISO 8601 duration whose `P` is at `start`; `start` if there is
 * none, and {@linkcode NOT} if it begins as only one can.
 */
export function isoEnd(text: string, start: number): number {
  const digits = digitsEnd(text, start + 1);
  if (digits - start === 5 && text.charCodeAt(digits) === MINUS) {
    return alternativeEnd(text, start);
  }
  if (text.charCodeAt(digits) === UPPER_W) {
    return digits === start + 1 ? start : digits + 1;
  }
  const date = designatorsEnd(text, start + 1, YEAR_MONTH_DAY);
  if (text.charCodeAt(date) !== UPPER_T) {
    return date === start + 1 ? start : date;
  }
  const time = designatorsEnd(text, date + 1, HOUR_MINUTE_SECOND);
  return time === date + 1 ? start : time;
}

const ALTERNATIVE = "P0000-00-00T00:00:00";

/** `P0001-02-03T04:05:06`. */
function alternativeEnd(text: string, start: number): number {
  for (let i = 0; i < ALTERNATIVE.length; i++) {
    const wanted = ALTERNATIVE.charCodeAt(i);
    const code = text.charCodeAt(start + i);
    if (wanted === ZERO ? !isDigit(code) : code !== wanted) return NOT;
  }
  return start + ALTERNATIVE.length;
}

const YEAR_MONTH_DAY = "YMD";
const HOUR_MINUTE_SECOND = "HMS";

/** The end of numbers that each have one of the designators, in their order. */
function designatorsEnd(
  text: string,
  start: number,
  designators: string,
): number {
  let end = start;
  for (let i = 0; i < designators.length; i++) {
    const digits = digitsEnd(text, end);
    if (digits === end) break;
    if (text.charCodeAt(digits) === designators.charCodeAt(i)) end = digits + 1;
  }
  return end;
}

function is(kind: number, end: number): number {
  return end === NOT ? NOT : end * 16 + kind;
}

function digitsEnd(text: string, start: number): number {
  let end = start;
  while (isDigit(text.charCodeAt(end))) end++;
  return end;
}

function hexEnd(text: string, start: number): number {
  let end = start;
  while (isHex(text.charCodeAt(end))) end++;
  return end;
}

/** `0` to `9`. */
export function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

function isHex(code: number): boolean {
  return isDigit(code) || isHexLetter(code | 32);
}

function isHexLetter(lower: number): boolean {
  return lower >= A && lower <= F;
}

const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const UPPER_T = 0x54;
const UPPER_W = 0x57;
const A = 0x61;
const B = 0x62;
const C = 0x63;
const D = 0x64;
const E = 0x65;
const F = 0x66;
const H = 0x68;
const M = 0x6d;
const N = 0x6e;
const O = 0x6f;
const S = 0x73;
const U = 0x75;
const W = 0x77;
const X = 0x78;
const Y = 0x79;
