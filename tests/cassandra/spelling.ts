/**
 * Spells a statement in one of the countless ways that CQL has for it: case,
 * quotes, white space, comments that look like something else.
 *
 * @module
 */
import type { Random } from "../random.ts";

/** A keyword or a sign, or what is written just so: a literal, or a name that is spelled. */
export type Token = string | { readonly raw: string };

/** Tokens, in trees for the convenience of those who build them. */
export type Tokens = Token | readonly Tokens[];

/**
 * Tokens of a template. What stands between the values is cut at white space.
 *
 * ```ts ignore
 * cql`SELECT * FROM ${table} LIMIT ${raw("10")}`
 * ```
 */
export function cql(
  strings: TemplateStringsArray,
  ...values: readonly Tokens[]
): Tokens {
  return strings.flatMap((text, i) => {
    const words: Tokens[] = text.split(" ").filter((word) => word !== "");
    return i < values.length ? [...words, values[i]!] : words;
  });
}

/** What is written just so. */
export function raw(text: string): Token {
  return { raw: text };
}

/** Tokens with a comma between each two. */
export function commas(items: readonly Tokens[]): Tokens {
  return items.flatMap((item, i) => i === 0 ? [item] : [",", item]);
}

/** Words that a name must be quoted for. */
const RESERVED = new Set(
  ("add allow alter and apply asc authorize batch begin by columnfamily create delete desc describe " +
    "drop entries execute from full grant if in index infinity insert into is keyspace limit " +
    "materialized modify nan norecursive not null of on or order primary rename revoke schema select " +
    "set table to token truncate unlogged update use using view where with true false")
    .split(" "),
);

const PLAIN = /^[a-z][a-z0-9_]*$/;

/** One spelling of a name that the server is to read as `name`. */
export function name(random: Random, name: string): Token {
  const plain = PLAIN.test(name) && !RESERVED.has(name);
  return plain && random.below(4) > 0
    ? raw(anyCase(random, name))
    : raw(`"${name.replaceAll('"', '""')}"`);
}

/** One spelling of a statement. */
export function spell(random: Random, tokens: Tokens): string {
  const words = flat(tokens).map((token) =>
    typeof token === "string" ? keyword(random, token) : token.raw
  );
  const odd = random.below(3) === 0;
  let text = odd ? gap(random, "", "") : "";
  let before = "";
  for (const word of words) {
    if (before !== "") {
      text += odd ? gap(random, before, word) : usual(before, word);
    }
    text += word;
    before = word;
  }
  if (random.below(4) === 0) text += ";".repeat(1 + random.below(2));
  return odd ? text + gap(random, ";", "") : text;
}

/** All tokens, one after the other. */
export function flat(tokens: Tokens): readonly Token[] {
  return Array.isArray(tokens)
    ? (tokens as readonly Tokens[]).flatMap(flat)
    : [tokens as Token];
}

function keyword(random: Random, word: string): string {
  return PLAIN.test(word.toLowerCase()) ? anyCase(random, word) : word;
}

function anyCase(random: Random, word: string): string {
  switch (random.below(4)) {
    case 0:
      return word.toLowerCase();
    case 1:
      return word.toUpperCase();
    case 2:
      return [...word].map((c) =>
        random.below(2) === 0 ? c.toLowerCase() : c.toUpperCase()
      ).join("");
  }
  return word;
}

const TIGHT = /^[.,;()\[\]<>]$/;

function usual(before: string, word: string): string {
  return needsGap(before, word)
    ? " "
    : TIGHT.test(word) || TIGHT.test(before)
    ? ""
    : " ";
}

const SPACES = [" ", "  ", "\n", "\t", "\r\n", " \r "];
const COMMENTS = [
  "/**/",
  "/* from secret.t */",
  "/* ' */",
  '/* " */',
  "/* $$ */",
  "/* /* */",
  "/* -- */",
  "-- from secret.t where a = '\n",
  "-- /*\r",
  '// ; drop table secret.t "\n',
  "//\n",
  "--\r\n",
];

function gap(random: Random, before: string, word: string): string {
  // A comment behind one of these signs would make another sign of it.
  const signs = before === "-" || before === "/";
  const least = needsGap(before, word) ? 1 : 0;
  let text = "";
  for (let n = Math.max(least, random.below(4) - 1); n > 0; n--) {
    text += signs || random.below(3) > 0
      ? random.pick(SPACES)
      : random.pick(COMMENTS);
  }
  return text;
}

const WORD = /[A-Za-z0-9_]/;

/** Whether two tokens would become others without anything between them. */
function needsGap(before: string, word: string): boolean {
  const last = before.at(-1) ?? "";
  const first = word[0] ?? "";
  if (WORD.test(last) && (WORD.test(first) || word === "..")) return true;
  if (last === "-" || last === "/") return true;
  return first === last && `'"-/.$`.includes(first);
}
