/** `parley schema` prints JSON Schema 2020-12, with the L7 rules of the parsers that load. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import Ajv from "ajv";
import { parse } from "yaml";
import { parley, withFiles } from "./testing.ts";

async function validatorOf(...args: readonly string[]) {
  const { code, out } = await parley("schema", ...args);
  assertEquals(code, 0);
  const schema = JSON.parse(out);
  assertEquals(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  const ajv = new Ajv.default({ strictTypes: false, strictRequired: false });
  return ajv.compile(schema);
}

const policy = (rules: string) =>
  parse(`
- endpointSelector: { matchLabels: { app: r2 } }
  ingress:
  - toPorts: [{ ports: [{ port: "4040", protocol: TCP }], rules: ${rules} }]
`);

Deno.test("schema policy knows the L7 rules of the built-in parsers", async () => {
  const validate = await validatorOf("policy");
  const found = [
    "{ l7proto: r2d2, l7: [{ cmd: READ, file: x }, {}] }",
    "{ l7proto: r2d2, l7: [{ command: get }] }",
    "{ l7proto: c3po, l7: [{ contains: x }] }",
  ].map((rules) => validate(policy(rules)));
  assertEquals(found, [true, false, false]);
});

Deno.test("schema policy --folder knows those of other parsers, too", async () => {
  const validate = await validatorOf("policy", "--folder", "examples/parsers");
  const found = [
    "{ l7proto: c3po, l7: [{ contains: x }] }",
    "{ l7proto: c3po, l7: [{ contain: x }] }",
  ].map((rules) => validate(policy(rules)));
  assertEquals(found, [true, false]);
});

Deno.test("schema policy leaves out a parser that does not load, and says so", () =>
  withFiles({ "broken.ts": "export default {" }, async (folder) => {
    const { code, out, err } = await parley(
      "schema",
      "policy",
      "--folder",
      folder,
    );
    assertEquals([code, out.includes("broken")], [0, false]);
    assertMatch(err, /broken is not in the schema/);
  }));

const CONFIGS: { text: string; want: boolean }[] = [
  { text: "{}", want: true },
  {
    text:
      "listeners: [{ listen: 127.0.0.1:1, upstream: 'unix:s', port: 1, l7proto: r2d2 }]",
    want: true,
  },
  { text: "accessLog: { sink: { unix: log.sock } }", want: true },
  { text: "accessLog: { sink: stdout, responses: true }", want: true },
  { text: "limits: { drain: 0s, idleTimeout: 1h }", want: true },
  { text: "limits: { drain: 5 }", want: false },
  { text: "limits: { drain: soon }", want: false },
  { text: "listeners: [{ listen: 127.0.0.1:1 }]", want: false },
  { text: "mode: strict", want: false },
  { text: "acessLog: {}", want: false },
];

for (const { text, want } of CONFIGS) {
  Deno.test(`schema config ${want ? "takes" : "refuses"} ${text}`, async () => {
    const validate = await validatorOf("config");
    assertEquals(validate(parse(text)), want);
  });
}

Deno.test("schema accesslog is JSON Schema", async () => {
  await validatorOf("accesslog");
});

Deno.test("schema refuses what there is no schema of", async () => {
  const { code, out, err } = await parley("schema", "polcy");
  assertEquals([code, out], [2, ""]);
  assertMatch(err, /no schema of "polcy"; write "policy"/);
});
