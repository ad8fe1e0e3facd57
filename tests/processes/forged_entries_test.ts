/** Log entries by a parser that would write more than its own fields. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import type { LogLine } from "../e2e/access_log.ts";
import { poll } from "../e2e/harness.ts";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

const FORGED = JSON.stringify({
  time: "2000-01-01T00:00:00.000000Z",
  type: "request",
  verdict: "forwarded",
  forged: true,
});

/** What is logged: expressions for a decision and its fields. `DECIDED` is an honest one. */
const ENTRIES: readonly {
  readonly name: string;
  readonly decision?: string;
  readonly fields: string;
  /** What stands in the line; nothing if there is none, and the connection fails. */
  readonly logged: unknown;
}[] = [
  {
    name: "line feeds in a value",
    fields: `{ a: "\\n" + FORGED + "\\n" }`,
    logged: { a: `\n${FORGED}\n` },
  },
  {
    name: "an end of the line in a key",
    fields: `{ ['a":1}}\\n' + FORGED + "\\n"]: 1 }`,
    logged: { [`a":1}}\n${FORGED}\n`]: 1 },
  },
  {
    name: "__proto__ as a key",
    fields: `JSON.parse('{"__proto__":{"verdict":"audit"},"verdict":"audit"}')`,
    logged: JSON.parse('{"__proto__":{"verdict":"audit"},"verdict":"audit"}'),
  },
  {
    name: "a getter",
    fields: `{ get a() { return "\\n" + FORGED; } }`,
    logged: { a: `\n${FORGED}` },
  },
  {
    name: "a getter that throws",
    fields: `{ get a() { throw new Error("no"); } }`,
    logged: undefined,
  },
  {
    name: "a text of its own by toJSON",
    fields: `{ toJSON: () => '"},"forged":true,"a":{"' }`,
    logged: '"},"forged":true,"a":{"',
  },
  {
    name: "nothing by toJSON",
    fields: `{ toJSON: () => undefined }`,
    logged: {},
  },
  {
    name: "what goes in a circle",
    fields: `(() => { const a = {}; a.a = a; return a; })()`,
    logged: undefined,
  },
  {
    name: "a proxy",
    fields:
      `new Proxy({}, { ownKeys: () => ["a\\n"], get: (_, key) => key === "toJSON" ? undefined : "b\\n",
        getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) })`,
    logged: { "a\n": "b\n" },
  },
  {
    name: "four megabytes",
    fields: `{ a: "\\n".repeat(4_000_000) }`,
    logged: { a: "\n".repeat(4_000_000) },
  },
  { name: "a list", fields: `["\\n" + FORGED]`, logged: [`\n${FORGED}`] },
  { name: "a text for fields", fields: `"\\n" + FORGED`, logged: undefined },
  {
    name: "a rule that ends the line",
    decision: `{ ...DECIDED, rule: 'a"}\\n' + FORGED + "\\n" }`,
    fields: "{}",
    logged: {},
  },
  {
    name: "a verdict that is none",
    decision: `{ ...DECIDED, verdict: 'forwarded","forged":"' }`,
    fields: "{}",
    logged: undefined,
  },
  {
    name: "a verdict that is another one at the second look",
    decision:
      `(() => { let n = 0; return { ...DECIDED, get verdict() { return n++ ? 'x","forged":"' : "forwarded"; } }; })()`,
    fields: "{}",
    logged: {},
  },
  {
    name: "a reason that is no text",
    decision: `{ ...DECIDED, reason: { toJSON: () => "x" } }`,
    fields: "{}",
    logged: undefined,
  },
];

/** Logs the entry whose number is the line. */
const PARSER =
  `import { defineParser, latin1, line, nop, pass, z } from "parley/proxylib";
const FORGED = ${JSON.stringify(FORGED)};
const DECIDED = { allowed: true, verdict: "forwarded" };
const ENTRIES = [
${
    ENTRIES.map(({ decision = "DECIDED", fields }) =>
      `  () => [${decision}, ${fields}],`
    ).join("\n")
  }
];
export default defineParser({
  description: "writes what it should not",
  rule: z.strictObject({}),
  matches: () => true,
  create: (connection) => ({
    onData(reply, end, data, seen) {
      if (data.length === 0) return nop();
      const found = line(data, seen, 100);
      if (found.op !== "pass" || reply) return found;
      const [decision, fields] = ENTRIES[Number(latin1(data, 0, found.bytes - 1))]();
      connection.log(decision, fields);
      return found;
    },
  }),
});
`;

/** All members that a line may have. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...["time", "type", "verdict", "direction", "connection", "source"],
  ...["destination", "l7proto", "parser", "rule", "reason", "fields"],
]);

Deno.test({
  name:
    "whatever a parser has logged stands in the fields of its own line, or its connection fails",
  ignore,
  async fn(test) {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        listeners: [{ name: "a", upstream: server.address, l7proto: "forger" }],
      },
      parsers: { "forger.ts": PARSER },
    });
    const workers = await parley.freshWorkers(1);
    for (const [index, { name, logged }] of ENTRIES.entries()) {
      await test.step(name, async () => {
        using wire = await parley.connect("a");
        await wire.send(`${index}\n`);
        if (logged !== undefined) {
          assertEquals(await wire.readUntil("\n"), `${index}\n`);
          await wire.finish();
        }
        await wire.readToEnd();
        await parley.log.closed(wire);
        const requests = await parley.log.lines({
          source: wire,
          type: "request",
        });
        const failures = await parley.log.lines({
          source: wire,
          reason: "panic",
        });
        assertEquals(
          requests.map(({ fields }) => fields as unknown),
          logged === undefined ? [] : [logged],
        );
        assertEquals(failures.length > 0, logged === undefined);
      });
    }
    const text = await poll(async () => {
      const text = await Deno.readTextFile(`${parley.folder}/access.log`);
      return text.endsWith("\n") ? text : undefined;
    }, () => "whole log");
    for (const line of text.split("\n").slice(0, -1)) {
      const entry: LogLine = JSON.parse(line);
      const others = Object.keys(entry).filter((key) => !MEMBERS.has(key));
      assertEquals(others, [], line.slice(0, 500));
      assertMatch(entry.parser!, /^forger@/);
      assert(["forwarded", "error"].includes(entry.verdict), entry.verdict);
    }
    await parley.onlyWorkers(workers); // no worker died
  },
});
