import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { requestOf, statementRequest } from "./request.ts";
import { prepareRecord, readRecord, recognized } from "./statements.ts";

Deno.test("readRecord() undoes prepareRecord(), whatever the keyspace and the text", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (keyspace, text) => {
      const { recognized: read, keyspace: found } = readRecord(
        prepareRecord(keyspace, text),
      );
      assertEquals(found, keyspace);
      assertEquals(read.statements, recognized(text).statements);
    }),
    { seed: 20_261_124 },
  );
});

const DEPENDS: [text: string, isUnqualified: boolean, mayUse: boolean][] = [
  ["SELECT * FROM a.b", false, false],
  ["SELECT * FROM b", true, false],
  [
    "BEGIN BATCH UPDATE a.b SET c = 1 WHERE k = 1; DELETE FROM b WHERE k = 1 APPLY BATCH",
    true,
    false,
  ],
  ["DROP TYPE t", true, false],
  ["LIST ROLES", false, false],
  ["DROP KEYSPACE a", false, false],
  ["USE a", false, true],
  ["no CQL", true, true], // it may be anything
];

for (const [text, isUnqualified, mayUse] of DEPENDS) {
  Deno.test(`recognized() says what ${text} has to do with the session's keyspace`, () => {
    const known = recognized(text);
    assertEquals([known.isUnqualified, known.mayUse], [isUnqualified, mayUse]);
  });
}

Deno.test("requests() resolves names anew for each keyspace and kind of request", () => {
  const known = recognized("SELECT * FROM b");
  const tables = (keyspace: string) =>
    known.requests("query", keyspace).map(({ tables }) => tables);
  assertEquals([tables("x"), tables("y"), tables("x"), tables("")], [
    [["x.b"]],
    [["y.b"]],
    [["x.b"]],
    [["b"]],
  ]);
  const [asked] = known.requests("execute", "x");
  assertEquals([asked!.fields["prepared"], asked!.fields["opcode"]], [
    true,
    "execute",
  ]);
});

Deno.test("requestOf() reads a request back from its log fields", () => {
  const texts = [
    "SELECT * FROM a.b",
    "CREATE MATERIALIZED VIEW a.v AS SELECT * FROM a.b WHERE k IS NOT NULL PRIMARY KEY (k)",
    "CREATE ROLE r",
    'SELECT * FROM "é".b',
    "no CQL",
  ];
  for (const text of texts) {
    const [statement] = recognized(text).statements;
    const request = statementRequest(statement!, "query", "ks");
    const written = Object.entries(request.fields).map(([name, value]) => [
      name,
      Array.isArray(value) ? value : [String(value)],
    ]);
    assertEquals(requestOf(Object.fromEntries(written)), request);
  }
});

Deno.test("requestOf() takes a table without an action for nothing that is known", () => {
  assertEquals(requestOf({ query_table: ["a.b"] }).action, "unknown");
  assertEquals(requestOf({ opcode: ["options"] }).action, "");
  assertEquals(requestOf({ opcode: ["query"] }).action, "unknown");
});

Deno.test("statementRequest() cuts a shape that is too long for the log", () => {
  const text = `SELECT ${"a, ".repeat(5000)}a FROM a.b`;
  const [statement] = recognized(text).statements;
  const { fields } = statementRequest(statement!, "query", "");
  assertEquals(String(fields["shape"]).length, 4097);
});
