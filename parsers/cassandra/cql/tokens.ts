/**
 * The tokens of CQL 3.4.7, which is Cassandra 5.0's (Lexer.g): kinds as small
 * numbers, so that telling them apart costs a comparison.
 *
 * @module
 */

/** Kinds of tokens that are not keywords. */
export const T = {
  /** Behind the last character. */
  END: 0,
  /** What the server's lexer refuses, or the recognizer did: nothing follows. */
  FAILED: 1,
  IDENT: 2,
  QUOTED_NAME: 3,
  /** `""`, the name of a column of old tables. */
  EMPTY_NAME: 4,
  // Literals, from here to FLOAT_NAME.
  STRING: 5,
  INTEGER: 6,
  FLOAT: 7,
  BOOLEAN: 8,
  DURATION: 9,
  UUID: 10,
  BLOB: 11,
  /** `NaN`, `-NaN`, `Infinity`, `-Infinity`. */
  FLOAT_NAME: 12,
  QUESTION: 13,
  COLON: 14,
  DOT: 15,
  RANGE: 16,
  COMMA: 17,
  SEMICOLON: 18,
  LEFT_PAREN: 19,
  RIGHT_PAREN: 20,
  LEFT_BRACKET: 21,
  RIGHT_BRACKET: 22,
  LEFT_BRACE: 23,
  RIGHT_BRACE: 24,
  PLUS: 25,
  MINUS: 26,
  STAR: 27,
  SLASH: 28,
  PERCENT: 29,
  EQUAL: 30,
  NOT_EQUAL: 31,
  LESS: 32,
  LESS_EQUAL: 33,
  GREATER: 34,
  GREATER_EQUAL: 35,
  PLUS_EQUAL: 36,
  MINUS_EQUAL: 37,
  /** `expr(`, lower case and without a space: one token of its own. */
  EXPR: 38,
} as const;

/**
 * Keywords (Lexer.g; Parser.g, `unreserved_keyword`). `TABLE` and
 * `COLUMNFAMILY` are one keyword for the server, and so are `TABLES` and
 * `COLUMNFAMILIES`. `BETWEEN`, `GENERATED` and `SUPERUSERS` are of later
 * versions; before they were plain names, as which they still pass.
 */
export const K = {
  // Names of anything, of functions too.
  ACCESS: 40,
  AGGREGATE: 41,
  AGGREGATES: 42,
  ALL: 43,
  ANN: 44,
  AS: 45,
  BETWEEN: 46,
  CALLED: 47,
  CIDRS: 48,
  CLUSTER: 49,
  CLUSTERING: 50,
  COMPACT: 51,
  CONTAINS: 52,
  CUSTOM: 53,
  DATACENTERS: 54,
  DEFAULT: 55,
  EXISTS: 56,
  FILTERING: 57,
  FINALFUNC: 58,
  FROZEN: 59,
  FUNCTION: 60,
  FUNCTIONS: 61,
  GENERATED: 62,
  GROUP: 63,
  HASHED: 64,
  IDENTITY: 65,
  INITCOND: 66,
  INPUT: 67,
  INTERNALS: 68,
  KEYS: 69,
  KEYSPACES: 70,
  LANGUAGE: 71,
  LIKE: 72,
  LIST: 73,
  LOGIN: 74,
  MAP: 75,
  MASKED: 76,
  MBEAN: 77,
  MBEANS: 78,
  NOLOGIN: 79,
  NOSUPERUSER: 80,
  ONLY: 81,
  OPTIONS: 82,
  PARTITION: 83,
  PASSWORD: 84,
  PER: 85,
  PERMISSION: 86,
  PERMISSIONS: 87,
  REPLACE: 88,
  RETURNS: 89,
  ROLE: 90,
  ROLES: 91,
  SELECT_MASKED: 92,
  SFUNC: 93,
  STATIC: 94,
  STORAGE: 95,
  STYPE: 96,
  SUPERUSER: 97,
  SUPERUSERS: 98,
  TABLES: 99,
  TRIGGER: 100,
  TUPLE: 101,
  TYPE: 102,
  TYPES: 103,
  UNMASK: 104,
  UNSET: 105,
  USER: 106,
  USERS: 107,
  VALUES: 108,
  VECTOR: 109,
  // Native types: names of anything but user types.
  ASCII: 110,
  BIGINT: 111,
  BLOB: 112,
  BOOLEAN: 113,
  COUNTER: 114,
  DATE: 115,
  DECIMAL: 116,
  DOUBLE: 117,
  DURATION: 118,
  FLOAT: 119,
  INET: 120,
  INT: 121,
  SMALLINT: 122,
  TEXT: 123,
  TIME: 124,
  TIMESTAMP: 125,
  TIMEUUID: 126,
  TINYINT: 127,
  UUID: 128,
  VARCHAR: 129,
  VARINT: 130,
  // Names of anything but user types and functions.
  CAST: 131,
  COUNT: 132,
  DISTINCT: 133,
  JSON: 134,
  KEY: 135,
  MAXWRITETIME: 136,
  TTL: 137,
  WRITETIME: 138,
  // Reserved.
  ADD: 139,
  ALLOW: 140,
  ALTER: 141,
  AND: 142,
  APPLY: 143,
  ASC: 144,
  AUTHORIZE: 145,
  BATCH: 146,
  BEGIN: 147,
  BY: 148,
  COLUMNFAMILY: 149,
  CREATE: 150,
  DELETE: 151,
  DESC: 152,
  DESCRIBE: 153,
  DROP: 154,
  ENTRIES: 155,
  EXECUTE: 156,
  FROM: 157,
  FULL: 158,
  GRANT: 159,
  IF: 160,
  IN: 161,
  INDEX: 162,
  INSERT: 163,
  INTO: 164,
  IS: 165,
  KEYSPACE: 166,
  LIMIT: 167,
  MATERIALIZED: 168,
  MODIFY: 169,
  NORECURSIVE: 170,
  NOT: 171,
  NULL: 172,
  OF: 173,
  ON: 174,
  OR: 175,
  ORDER: 176,
  PRIMARY: 177,
  RENAME: 178,
  REVOKE: 179,
  SCHEMA: 180,
  SELECT: 181,
  SET: 182,
  TO: 183,
  TOKEN: 184,
  TRUNCATE: 185,
  UNLOGGED: 186,
  UPDATE: 187,
  USE: 188,
  USING: 189,
  VIEW: 190,
  WHERE: 191,
  WITH: 192,
} as const;

/** Whether a token is a literal: the shape of a statement has `?` in its place. */
export function isLiteral(kind: number): boolean {
  return kind >= T.STRING && kind <= T.FLOAT_NAME;
}

/** `ident`: a name, quoted or not, which keywords may be unless they are reserved. */
export function isName(kind: number): boolean {
  return kind === T.IDENT || kind === T.QUOTED_NAME ||
    (kind >= K.ACCESS && kind < K.ADD);
}

/** `allowedFunctionName` (`TOKEN` is reserved, but a function). */
export function isFunctionName(kind: number): boolean {
  return kind === T.IDENT || kind === T.QUOTED_NAME ||
    (kind >= K.ACCESS && kind < K.CAST) || kind === K.TOKEN ||
    kind === K.COUNT;
}

/** `native_type`. */
export function isNativeType(kind: number): boolean {
  return kind >= K.ASCII && kind < K.CAST;
}

/** What the error for a token calls it. Never what was written, unless it is a keyword or a sign. */
export function describe(kind: number): string {
  return NAMES[kind]!;
}

const NAMES: string[] = [
  "the end",
  "what CQL does not have",
  "a name",
  'a name in ""',
  '""',
  "a string",
  "an integer",
  "a float",
  "a boolean",
  "a duration",
  "a UUID",
  "a blob",
  "a float",
  ...["?", ":", ".", "..", ",", ";", "(", ")", "[", "]", "{", "}"],
  ...["+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "+=", "-="],
  "expr(",
];

/** Slots of the table of keywords: a power of two, several times their number. */
const SLOTS = 1024;
/** What is in a slot: the kind, 0 if the slot is free; the whole hash, and the word. */
const kinds = new Uint8Array(SLOTS);
const hashes = new Int32Array(SLOTS);
const words: string[] = new Array(SLOTS).fill("");

for (const [name, kind] of Object.entries(K)) {
  NAMES[kind] = name;
  addKeyword(name.toLowerCase(), kind);
}
addKeyword("table", K.COLUMNFAMILY);
addKeyword("columnfamilies", K.TABLES);
addKeyword("true", T.BOOLEAN);
addKeyword("false", T.BOOLEAN);
addKeyword("nan", T.FLOAT_NAME);
addKeyword("infinity", T.FLOAT_NAME);

function addKeyword(word: string, kind: number): void {
  let hash = 0;
  for (let i = 0; i < word.length; i++) hash = mix(hash, word.charCodeAt(i));
  let slot = hash & (SLOTS - 1);
  while (kinds[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  kinds[slot] = kind;
  hashes[slot] = hash;
  words[slot] = word;
}

/** Takes one character of a word, in either case, into its hash, which begins with 0. */
export function mix(hash: number, code: number): number {
  return (Math.imul(hash, 31) + (code | 32)) | 0;
}

/** The kind of the word at `start`, whose hash is known: a keyword or a name. */
export function wordKind(
  text: string,
  start: number,
  end: number,
  hash: number,
): number {
  let slot = hash & (SLOTS - 1);
  for (;;) {
    const kind = kinds[slot]!;
    if (kind === 0) return T.IDENT;
    if (hashes[slot] === hash && isWord(text, start, end, words[slot]!)) {
      return kind;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
}

/** Whether `word` is what stands there, in either case. Only letters, digits and `_` may stand there. */
function isWord(
  text: string,
  start: number,
  end: number,
  word: string,
): boolean {
  if (word.length !== end - start) return false;
  for (let i = 0; i < word.length; i++) {
    if ((text.charCodeAt(start + i) | 32) !== (word.charCodeAt(i) | 32)) {
      return false;
    }
  }
  return true;
}
