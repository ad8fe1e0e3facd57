/** Mistakes in L7 rules, as the built-in parsers themselves find them (policy semantics, section 10). */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Problem } from "../policy/mod.ts";
import { parley, withFiles } from "./testing.ts";

/** A rule, where the mistake is marked, its key, what is said of it, and how to mend it. */
const ROWS: readonly (readonly [
  code: string,
  proto: string,
  rule: string,
  key: string,
  found: RegExp,
  mend: RegExp,
])[] = [
  ["r2d2.key", "r2d2", "‸comd: HALT", "comd", /"comd"/, /"cmd"/],
  ["r2d2.cmd", "r2d2", "cmd: ‸HALTT", "cmd", /"HALTT"/, /HALT/],
  ["r2d2.cmd", "r2d2", "cmd: ‸read", "cmd", /"read"/, /in capitals/],
  ["r2d2.file", "r2d2", "cmd: HALT, file: ‸x", "file", /HALT/, /remove file/],
  ["r2d2.regex", "r2d2", "file: ‸(x", "file", /\(x/, /./],
  ["r2d2.regex", "r2d2", 'file: ‸"x(?=y)"', "file", /\(\?=/, /./],
  ["memcache.key", "memcache", "‸keyExat: a", "keyExat", /keyExat/, /keyExact/],
  ["memcache.command", "memcache", "command: ‸gett", "command", /gett/, /"get/],
  [
    "memcache.no-command",
    "memcache",
    "‸{ keyExact: a }",
    "command",
    /key/,
    /./,
  ],
  [
    "memcache.regex",
    "memcache",
    'command: get, keyRegex: ‸"[a"',
    "keyRegex",
    /\[a/,
    /./,
  ],
  [
    "cassandra.key",
    "cassandra",
    "‸query_tables: a",
    "query_tables",
    /query_tables/,
    /query_table/,
  ],
  [
    "cassandra.action",
    "cassandra",
    "query_action: ‸selct",
    "query_action",
    /selct/,
    /select/,
  ],
  [
    "cassandra.table",
    "cassandra",
    "query_action: list-roles, query_table: ‸a",
    "query_table",
    /list-roles/,
    /./,
  ],
  [
    "cassandra.regex",
    "cassandra",
    'query_table: ‸"a**"',
    "query_table",
    /\*\*/,
    /./,
  ],
];

/** A list of rules, each in a document of its own; where the mistakes are. */
function fileOf() {
  const places: string[] = [];
  let text = "";
  for (const [, proto, rule] of ROWS) {
    const document = `- endpointSelector: {}
  ingress:
  - toPorts:
    - ports: [ { port: "${1000 + places.length}", protocol: TCP } ]
      rules: { l7proto: ${proto}, l7: [ ${
      rule.includes("{") ? rule : `{ ${rule} }`
    } ] }
---
`;
    const before = (text + document).split("‸")[0]!;
    const lines = before.split("\n");
    places.push(`${lines.length}:${lines.at(-1)!.length + 1}`);
    text += document.replace("‸", "");
  }
  return { text, places };
}

Deno.test("check finds every mistake in L7 rules: place, key path, what was found and how to mend it", async () => {
  const { text, places } = fileOf();
  await withFiles({ "p.yaml": text }, async (folder) => {
    const { out } = await parley("check", `${folder}/p.yaml`, "--json");
    const errors = (JSON.parse(out) as Problem[])
      .filter(({ severity }) => severity === "error");
    assertEquals(
      errors.map(({ code, line, column, path }) => [
        code,
        `${line}:${column}`,
        path,
      ]),
      ROWS.map(([code, , , key], index) => [
        code,
        places[index],
        `[0].ingress[0].toPorts[0].rules.l7[0].${key}`,
      ]),
    );
    for (const [index, { message, mend }] of errors.entries()) {
      const [code, , , , found, how] = ROWS[index]!;
      assertEquals([found.test(message), how.test(mend)], [true, true], code);
    }
  });
});
