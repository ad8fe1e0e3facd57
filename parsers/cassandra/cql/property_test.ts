/** What holds of every text, whatever is in it. */
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import fc from "fast-check";
import { recognize } from "./recognize.ts";
import { Scanner } from "./scanner.ts";
import { T } from "./tokens.ts";

const PIECES =
  ("select insert into update delete from where and or in json distinct as begin batch apply use " +
    "create alter drop table index materialized view type function aggregate role user trigger keyspace " +
    "grant revoke list all on to of if not exists with using ttl timestamp values set order by group per " +
    "partition limit allow filtering token count cast key contains like is null primary desc describe " +
    'truncate password replace returns map frozen int text a b ks t "A" "" ? : . .. , ; ( ) [ ] { } + - * / % ' +
    "= != < > <= += expr( 1 -1 1.5 0xCA 'x' $$x$$ true 1h P1Y NaN -- // /* */ ' \" $$ $ \\ # é")
    .split(" ").concat(
      "\n",
      "\t",
      "\0",
      "\ud800",
      "\udc00",
      "\uffff",
      "\u00a0",
    );

const soup = fc.array(fc.constantFrom(...PIECES), {
  maxLength: 60,
  size: "max",
})
  .chain((pieces) => fc.constantFrom(" ", "").map((gap) => pieces.join(gap)));
const noise = fc.string({ unit: "binary", maxLength: 200, size: "max" });
const surrogates = fc.array(fc.nat(0xffff), { maxLength: 100 })
  .map((codes) => String.fromCharCode(...codes));

Deno.test("recognize() says something of every text, and never throws", () => {
  fc.assert(
    fc.property(fc.oneof(soup, noise, surrogates), (text) => {
      const statements = recognize(text);
      ok(statements.length > 0);
      for (const { action, targets, reason } of statements) {
        assertEquals(action === "unknown", reason !== undefined);
        if (action === "unknown") assertEquals(targets, []);
        ok(action !== "" && action !== "batch");
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("Scanner's tokens lie one behind the other, and between them is nothing but white space and comments", () => {
  const gap = new RegExp(
    String.raw`^(?:[ \t\r\n]|--.*?[\r\n]|//.*?[\r\n]|/\*[^]*?\*/)*$`,
  );
  fc.assert(
    fc.property(fc.oneof(soup, noise), (text) => {
      const scanner = new Scanner(text);
      let end = 0;
      for (scanner.scan(); scanner.kind > T.FAILED; scanner.scan()) {
        ok(scanner.end > scanner.start && scanner.end <= text.length);
        ok(gap.test(text.slice(end, scanner.start)));
        end = scanner.end;
      }
      if (scanner.kind === T.END) ok(gap.test(text.slice(end)));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("recognize() reads a statement the same with any comment and white space between its tokens", () => {
  const texts = [
    "SELECT a , f ( b ) FROM ks . t WHERE c IN ( 1 , 'x' ) AND d = ? LIMIT 5",
    'INSERT INTO "Ks" . t ( a ) VALUES ( { x : 1 } ) IF NOT EXISTS',
    "CREATE MATERIALIZED VIEW v AS SELECT * FROM t WHERE a IS NOT NULL PRIMARY KEY ( a )",
    "BEGIN BATCH DELETE FROM t WHERE k = 1 ; UPDATE u SET a = 1 WHERE k = 1 APPLY BATCH",
    "GRANT SELECT ON TABLE ks . t TO r",
  ];
  const gap = fc.constantFrom(
    " ",
    "\n",
    "\t\r\n",
    "/**/",
    "/* from x.y */",
    "-- '\n",
    '// "\r',
    " /* -- */ ",
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.infiniteStream(gap),
      (text, gaps) => {
        const odd = text.replaceAll(" ", () => gaps.next().value);
        const known = (text: string) =>
          recognize(text).map(({ action, targets }) => ({ action, targets }));
        assertEquals(known(odd), known(text));
      },
    ),
  );
});

const SECRET = "5ec4e7";
const SECRETS = [
  `'${SECRET}'`,
  `'it''s ${SECRET}'`,
  `$$${SECRET}$$`,
  `0x${SECRET}`,
  `12345678-1234-1234-1234-123456${SECRET}`,
  `/* ${SECRET} */`,
  `-- ${SECRET}\n`,
];
const SAFE = PIECES.filter((piece) => !/^(?:'|"|\$\$?)$/.test(piece));

Deno.test("recognize() puts no literal and no comment into a shape or a reason", () => {
  const planted = fc.array(
    fc.oneof(fc.constantFrom(...SAFE), fc.constantFrom(...SECRETS)),
    { maxLength: 40, size: "max" },
  ).map((pieces) => pieces.join(" "));
  const templates = fc.tuple(
    fc.constantFrom(
      "SELECT a FROM t WHERE b = ! AND c IN (!, !) LIMIT !",
      "INSERT INTO t (a, b) VALUES (!, [!, {!: !}]) USING TTL !",
      "UPDATE t SET a = ! + a, b[!] = !, c = (!, !) WHERE k = ! IF d = !",
      "BEGIN BATCH DELETE FROM t WHERE k = ! DELETE a[!] FROM t WHERE k = ! APPLY BATCH",
      "CREATE ROLE r WITH PASSWORD = ! AND OPTIONS = {!: !}",
      "ALTER USER u WITH PASSWORD !",
      "CREATE TABLE t (a int PRIMARY KEY) WITH comment = ! AND x = {!: !}",
      "CREATE FUNCTION f () CALLED ON NULL INPUT RETURNS int LANGUAGE java AS !",
    ),
    fc.infiniteStream(fc.constantFrom(...SECRETS)),
  ).map(([text, secrets]) => text.replaceAll("!", () => secrets.next().value));
  fc.assert(
    fc.property(fc.oneof(planted, templates), (text) => {
      for (const { shape, reason } of recognize(text)) {
        ok(!shape.includes(SECRET), shape);
        ok(!reason?.includes(SECRET), reason);
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("recognize() gives up on brackets too deep, whatever they are", () => {
  const deep: Readonly<Record<string, string>> = {
    "INSERT INTO t (a) VALUES (": "(",
    "INSERT INTO t (b) VALUES (": "[",
    "INSERT INTO t (c) VALUES (": "{1: ",
    "INSERT INTO t (d) VALUES (": "f(",
    "INSERT INTO t (e) VALUES ( ": "CAST(",
    "SELECT a FROM t WHERE ": "(",
    "SELECT ": "a[",
    "CREATE TABLE t (a ": "list<",
    "CREATE TABLE t (b ": "frozen<tuple<",
  };
  for (const [begin, bracket] of Object.entries(deep)) {
    const [statement] = recognize(begin + bracket.repeat(10_000));
    assertEquals(statement!.action, "unknown");
    ok(
      statement!.reason!.startsWith("expected fewer brackets"),
      statement!.reason,
    );
  }
  const [fine] = recognize(
    `SELECT a FROM t WHERE ${"(".repeat(150)}a = 1${")".repeat(150)}`,
  );
  assertEquals(fine!.action, "select");
});

/** Of a quadratic reading this test would never see the end. */
Deno.test("recognize() reads megabytes of anything in passing", () => {
  const begins = [
    "",
    "SELECT ",
    "SELECT a FROM t WHERE a IN (",
    "INSERT INTO t (a) VALUES (",
    "BEGIN BATCH ",
  ];
  const again = [
    ...PIECES,
    "/**/",
    "--\n",
    "''",
    '""',
    "a.",
    "a,",
    "1,",
    "'x',",
    "(int)",
    "P1",
    "12345678",
    "f(1),",
    "(1),",
    "DELETE FROM t WHERE k = 'x'; ",
    "a, /* x */",
    "- ",
    "$$ $",
    "a[1]",
  ];
  for (const begin of begins) {
    for (const piece of again) {
      const text = begin + piece.repeat(2 ** 18 / piece.length);
      ok(recognize(text).length > 0);
    }
  }
});
