import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { statementRequest } from "./request.ts";
import { lintRule, lintRules, matches, ruleSchema } from "./rule.ts";
import { plainRequest } from "./request.ts";
import { recognized } from "./statements.ts";

type Raw = Readonly<Record<string, string>>;

function covers(raw: Raw, text: string, keyspace = "ks"): boolean {
  const rule = ruleSchema.parse(raw);
  return recognized(text).statements.every((statement) =>
    matches(rule, statementRequest(statement, "query", keyspace))
  );
}

const COVERED: [rule: Raw, text: string, want: boolean][] = [
  [{ query_action: "select" }, "SELECT * FROM a.b", true],
  [{ query_action: "select" }, "INSERT INTO a.b (k) VALUES (1)", false],
  [{ query_action: "select" }, "TRUNCATE a.b", false],
  [{ query_action: "truncate-table" }, "TRUNCATE a.b", true],
  [{ query_table: "^a\\.b$" }, "TRUNCATE a.b", true],
  [{ query_table: "^a\\.b$" }, "SELECT * FROM A.B", true],
  [{ query_table: "^a\\.b$" }, 'SELECT * FROM "A".b', false],
  [{ query_table: "^A\\.b$" }, 'SELECT * FROM "A".b', true],
  [{ query_table: "^ks\\.b$" }, "SELECT * FROM b", true],
  [{ query_table: "b" }, "SELECT * FROM abc.d", true], // searched, not anchored
  [{ query_table: "^é\\.ü$" }, 'SELECT * FROM "é"."ü"', true],
  // A rule about tables does not cover what has none, nor what is about roles.
  [{ query_table: "." }, "CREATE ROLE r", false],
  [{ query_table: "." }, "LIST ROLES", false],
  [{ query_table: "." }, "GRANT SELECT ON a.b TO r", false],
  [{ query_table: "." }, "LIST ALL PERMISSIONS ON a.b", false],
  [{ query_table: "." }, "DROP TYPE a.t", false],
  [{ query_table: "." }, "CREATE INDEX ON a.b (c)", true],
  [{ query_table: "." }, "DESC TABLE a.b", true],
  [{ query_table: "." }, "DESC b", false], // may be a keyspace
  [{ query_action: "describe" }, "DESC b", true],
  [{ query_action: "create-role" }, "CREATE ROLE r", true],
  [{ query_action: "grant-permission" }, "GRANT SELECT ON a.b TO r", true],
  // Of a keyspace its name.
  [
    { query_action: "drop-keyspace", query_table: "^a$" },
    "DROP KEYSPACE a",
    true,
  ],
  [
    { query_action: "drop-keyspace", query_table: "^a$" },
    "DROP KEYSPACE b",
    false,
  ],
  [{ query_table: "^a\\." }, "DROP KEYSPACE a", false],
  [{ query_action: "use", query_table: "^a$" }, "USE a", true],
  [{ query_action: "use", query_table: "^a$" }, "USE b", false],
  [{ query_action: "select" }, "USE b", true], // it opens nothing
  // What nobody knows.
  [{ query_table: "." }, "SELECT FROM FROM a.b", false],
  [{ query_action: "select" }, "SELECT FROM FROM a.b", false],
  [{ query_action: "" }, "SELECT FROM FROM a.b", true],
  [{}, "SELECT FROM FROM a.b", true],
];

for (const [rule, text, want] of COVERED) {
  Deno.test(`rule ${JSON.stringify(rule)} ${want ? "covers" : "does not cover"} ${text}`, () => {
    assertEquals(covers(rule, text), want);
  });
}

Deno.test("any rule covers a request without a statement", () => {
  for (const raw of [{}, { query_action: "select" }, { query_table: "^x$" }]) {
    assertEquals(matches(ruleSchema.parse(raw), plainRequest("options")), true);
  }
});

const BAD: [rule: Record<string, unknown>, code: string, key: string][] = [
  [{ query_action: "selects" }, "cassandra.action", "query_action"],
  [{ query_action: "Select" }, "cassandra.action", "query_action"],
  [{ query_action: "unknown" }, "cassandra.action", "query_action"],
  [{ query_action: "empty-batch" }, "cassandra.action", "query_action"],
  [{ query_action: "toString" }, "cassandra.action", "query_action"],
  [
    { query_action: "create-role", query_table: "a" },
    "cassandra.table",
    "query_table",
  ],
  [
    { query_action: "create-index", query_table: "a" },
    "cassandra.table",
    "query_table",
  ],
  [{ query_table: "(" }, "cassandra.regex", "query_table"],
  [{ query_table: "(?=a)" }, "cassandra.regex", "query_table"],
  [{ table: "a" }, "unrecognized_keys", ""],
  [{ query_action: 7 }, "invalid_type", "query_action"],
];

for (const [rule, code, key] of BAD) {
  Deno.test(`rule ${JSON.stringify(rule)} is refused as ${code}`, () => {
    const issues = ruleSchema.safeParse(rule).error?.issues ?? [];
    const issue = issues[0];
    const params = issue?.code === "custom" ? issue.params : undefined;
    assertEquals(issues.length, 1);
    assertEquals([params?.code ?? issue?.code, issue?.path.join()], [
      code,
      key,
    ]);
    if (params) assertEquals(typeof params.mend, "string");
  });
}

Deno.test("rule takes an empty table beside any action", () => {
  const rule = ruleSchema.parse({
    query_action: "list-roles",
    query_table: "",
  });
  assertEquals(rule, { action: "list-roles" });
});

Deno.test("lintRule warns of what is present and empty", () => {
  const codes = (rule: Raw) => lintRule(rule).map(({ code }) => code);
  assertEquals(codes({ query_action: "" }), ["cassandra.action"]);
  assertEquals(codes({ query_action: "", query_table: "" }), [
    "cassandra.action",
  ]);
  assertEquals(codes({ query_action: "select", query_table: "" }), [
    "cassandra.table",
  ]);
  assertEquals(codes({}), []);
  assertEquals(codes({ query_table: "a" }), []);
});

const DRIVERS_READ = "^system(_schema|_virtual_schema)?\\.";

const LISTS: [rules: Raw[], isDoubtful: boolean][] = [
  [[{ query_action: "select", query_table: DRIVERS_READ }], false],
  [[{ query_table: DRIVERS_READ }], false],
  [[{ query_action: "select" }], false],
  [[
    { query_action: "select", query_table: "^system_virtual_schema\\.(k|t)" },
    {
      query_action: "select",
      query_table: "^system_virtual_schema\\.columns$",
    },
  ], false],
  [
    [{ query_action: "select", query_table: "^system_virtual_schema\\.(k|t)" }],
    true,
  ],
  [[{ query_action: "select", query_table: "^system(_schema)?\\." }], true],
  [[{ query_action: "insert", query_table: DRIVERS_READ }], true],
];

for (const [rules, isDoubtful] of LISTS) {
  Deno.test(`lintRules finds ${JSON.stringify(rules)} ${isDoubtful ? "too narrow" : "wide enough"} for drivers`, () => {
    const issues = lintRules(rules.map((rule) => ruleSchema.parse(rule)));
    assertEquals(
      issues.map(({ path, code }) => [path, code]),
      isDoubtful ? [[[], "cassandra.virtual-schema"]] : [],
    );
  });
}
