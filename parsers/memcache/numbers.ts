/**
 * Numbers as memcached reads them (`safe_strtol` and its kin in util.c over C's
 * `strtol`): leading white space and a sign are taken, and what follows the
 * digits may be white space with anything behind it.
 *
 * @module
 */

const NUMBER = /^[\t\v\f\r]*([+-]?)(\d+)(?:[\t\v\f\r]|$)/;
const PLAIN = /^\d{1,9}$/;
const U64 = 1n << 64n;
const I63 = 1n << 63n;
/** Digits of the longest 64-bit number: more are out of range, and costly to compute. */
const DIGITS_MAX = 20;

/** Whether every server reads these digits alike: no sign, no space, no overflow. */
export function isPlain(token: string): boolean {
  return PLAIN.test(token);
}

/** `safe_strtoul` and `safe_strtoull`: whether the server takes the word as an unsigned number. */
export function isUnsigned(token: string): boolean {
  if (PLAIN.test(token)) return true;
  const value = integer(token);
  if (value === undefined || value >= U64 || value <= -U64) return false;
  // C negates what has a minus sign; the server then minds only large results.
  return BigInt.asUintN(64, value) < I63 || !token.includes("-");
}

/** `safe_strtol`: a signed 64-bit number cut to its low 32 bits, as the server does; `undefined` if it takes none. */
export function signed32(token: string): number | undefined {
  if (PLAIN.test(token)) return Number(token);
  const value = integer(token);
  if (value === undefined || value >= I63 || value < -I63) return undefined;
  return Number(BigInt.asIntN(32, value));
}

/** `safe_strtol`: whether the server takes the word as a signed number. */
export function isSigned(token: string): boolean {
  return signed32(token) !== undefined;
}

function integer(token: string): bigint | undefined {
  const match = NUMBER.exec(token);
  if (!match) return undefined;
  const digits = match[2]!.replace(/^0+/, "");
  if (digits.length > DIGITS_MAX) return undefined;
  return match[1] === "-" ? -BigInt(digits) : BigInt(digits);
}
