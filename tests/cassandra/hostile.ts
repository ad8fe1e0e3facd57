/**
 * Texts of those who want a statement to be read otherwise than the server reads
 * it: in every place where white space may be stands what looks like it or like
 * a comment, and in every name what looks like another.
 *
 * @module
 */

/** With a space wherever there may be one. */
const STATEMENTS = [
  "SELECT * FROM a . b WHERE k = 1 AND c IN ( 1 , 2 ) LIMIT 1 ALLOW FILTERING ;",
  "SELECT json , distinct , a . f ( x ) AS from_ FROM a . b",
  "SELECT JSON DISTINCT k FROM a . b PER PARTITION LIMIT 1",
  "SELECT CAST ( x AS int ) , ( text ) 'from c.d' FROM a . b GROUP BY k",
  "SELECT v FROM a . b ORDER BY v ANN OF [ 1.5 , -2 ] LIMIT 3",
  "INSERT INTO a . b ( k , v ) VALUES ( 1 , { 'x' : [ 0xCAFE ] } ) IF NOT EXISTS USING TTL 1",
  "INSERT INTO a . b JSON '{}' DEFAULT UNSET",
  "UPDATE a . b USING TIMESTAMP 1 SET v = v + 1 , m [ 'x' ] = 2 , u . f = 3 WHERE k = 1 IF v != 2",
  "DELETE m [ 1 ] , u . f FROM a . b WHERE k = 1 IF EXISTS",
  "BEGIN UNLOGGED BATCH INSERT INTO a . b ( k ) VALUES ( 1 ) ; DELETE FROM c . d WHERE k = 1 ; APPLY BATCH ;",
  "TRUNCATE TABLE a . b",
  "TRUNCATE a . b",
  "USE a",
  "CREATE TABLE IF NOT EXISTS a . b ( k int PRIMARY KEY , v frozen < list < c . t > > ) WITH comment = 'x'",
  "CREATE MATERIALIZED VIEW a . v AS SELECT * FROM a . b WHERE k IS NOT NULL PRIMARY KEY ( k )",
  "CREATE CUSTOM INDEX i ON a . b ( KEYS ( m ) ) USING 'sai'",
  "ALTER TABLE a . b ADD ( c int , d text )",
  "DROP TABLE IF EXISTS a . b",
  "GRANT SELECT PERMISSION , MODIFY ON TABLE a . b TO r",
  "LIST ALL PERMISSIONS ON a . b OF r NORECURSIVE",
  "DESCRIBE TABLE a . b WITH INTERNALS",
];

/** What stands in the place of a space, where the server may take it or not. */
const GAPS = [
  ...["", "\t", "\n", "\r", "\f", "\v", "\0", "\u0085", "\u00a0", "\u1680"],
  ...["\u180e", "\u2003", "\u200b", "\u200d", "\u2028", "\u2029", "\u202f"],
  ...["\u3000", "\ufeff", "\u001c", "\u001f", "\u007f", "\\", "\\n", "\ud800"],
  ...["/**/", "/***/", "/*/*/", "/* */ */", "/*--*/", "/* ; */", "/*\n*/"],
  ...["--\n", "--\r", "--\u2028", "--", "-- */\n", "//\n", "// /*\r", "- -\n"],
  ...["/ /\n", "#\n", "'' ", '"" ', "$$ $$ ", "$$", "$", ";", " ; ", ".", ","],
  ...["c . d ", ". c ", "1 ", "-", "( ", " )", "? ", ":x "],
];

/** What stands in the place of a name or of a keyword. */
const NAMES = [
  ...["A", '"a"', '"A"', '"a"""', '""', '"a.b"', '"a"."b"', "'a'", "$$a$$"],
  ...["a$", "$a", "_a", "a_", "1a", "a1", "a-b", "a b", "a..b", "a.b.c", "é"],
  ...["\u0131", "\u0130", "\u212a", "\u017f", "\ufb01", "\uff41", "a\u0301"],
  ...["\ud835\udc1a", "token", "key", "ttl", "select", "SELECT", "from"],
  ...["table", "json", "expr", "expr(", "P1D", "PT1S", "nan", "infinity", "0x"],
  ...["1e5", "1d", "true", "null", "?", ":a", "*", "(a)", "[a]", "{a}", "as"],
];

/** Letters of another alphabet that one of ours folds to. */
const FOLDED: Readonly<Record<string, string>> = {
  i: "\u0131",
  I: "\u0130",
  k: "\u212a",
  K: "\u212a",
  s: "\u017f",
  S: "\u017f",
  A: "\uff21",
};

/** All of them. */
export function hostileTexts(): string[] {
  return STATEMENTS.flatMap((statement) => {
    const words = statement.split(" ");
    const at = (i: number, instead: string) => words.with(i, instead).join(" ");
    return words.flatMap((word, i) => [
      ...GAPS.map((gap) => at(i, gap + word)),
      ...GAPS.map((gap) => at(i, word + gap)),
      ...GAPS.map((gap) =>
        `${words.slice(0, i).join(" ")}${gap}${words.slice(i).join(" ")}`
      ),
      ...NAMES.map((name) => at(i, name)),
      ...NAMES.map((name) => at(i, word + name)),
      at(i, word.toUpperCase()),
      at(i, word.toLowerCase()),
      at(i, `"${word}"`),
      at(i, word.replace(/[ikKIsSA]/, (letter) => FOLDED[letter]!)),
    ]);
  });
}
