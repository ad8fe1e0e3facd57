/** `policyJsonSchema()` is JSON Schema 2020-12, and takes what the loader's own shape takes. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import Ajv from "ajv";
import fc from "fast-check";
import { z } from "zod";
import { policyJsonSchema, policySchema, ruleJsonSchema } from "./mod.ts";

const PROTOCOLS = [
  {
    proto: "r2d2",
    description: "droids",
    rule: z.strictObject({
      cmd: z.string().superRefine(() => {}).default(""),
      file: z.string().transform((text) => new RegExp(text)).optional(),
    }).superRefine(() => {}),
  },
  {
    proto: "words",
    description: "words",
    rule: z.strictObject({ word: z.enum(["a", "b"]) }),
  },
  { proto: "free", description: "anything", rule: z.custom<string>() },
].map(({ rule, ...rest }) => ({ ...rest, rule: ruleJsonSchema(rule) }));

function compile(protocols: typeof PROTOCOLS) {
  // The schema itself is checked against the meta-schema of 2020-12.
  const ajv = new Ajv.default({ strictTypes: false, strictRequired: false });
  return ajv.compile(policyJsonSchema(protocols));
}

const validate = compile(PROTOCOLS);

const object = (spec: unknown) => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "x" },
  spec,
});

const withRules = (rules: unknown) =>
  object({
    endpointSelector: { matchLabels: { app: null } },
    ingress: [{
      toPorts: [{ ports: [{ port: "80", protocol: "TCP" }], rules }],
    }],
  });

const CASES: { name: string; value: unknown; want: boolean }[] = [
  { name: "an object", value: object({ endpointSelector: {} }), want: true },
  { name: "a list of rules", value: [{ ingress: null }], want: true },
  {
    name: "a list of objects",
    value: { kind: "List", items: [object({ endpointSelector: {} })] },
    want: true,
  },
  { name: "an unknown key", value: object({ ingres: [] }), want: false },
  { name: "another kind", value: { kind: "NetworkPolicy" }, want: false },
  {
    name: "a port that is a number",
    value: [{ ingress: [{ toPorts: [{ ports: [{ port: 80 }] }] }] }],
    want: false,
  },
  {
    name: "rules of a protocol",
    value: withRules({ l7proto: "r2d2", l7: [{ cmd: "READ", file: "x" }, {}] }),
    want: true,
  },
  {
    name: "a protocol without rules",
    value: withRules({ l7proto: "r2d2", l7: null }),
    want: true,
  },
  {
    name: "a key of another protocol",
    value: withRules({ l7proto: "words", l7: [{ cmd: "READ" }] }),
    want: false,
  },
  {
    name: "a value that the protocol does not take",
    value: withRules({ l7proto: "words", l7: [{ word: "c" }] }),
    want: false,
  },
  {
    name: "the empty rule where the protocol's rules need a key",
    value: withRules({ l7proto: "words", l7: [{}, { word: "a" }] }),
    want: true,
  },
  {
    name: "rules whose schema says nothing",
    value: withRules({ l7proto: "free", l7: [{ anything: "x" }] }),
    want: true,
  },
  {
    name: "a protocol that there is no parser for",
    value: withRules({ l7proto: "words2", l7: [] }),
    want: false,
  },
];

for (const { name, value, want } of CASES) {
  Deno.test(`policyJsonSchema() ${want ? "takes" : "refuses"} ${name}`, () => {
    assertEquals(validate(value), want, JSON.stringify(validate.errors));
  });
}

Deno.test("policyJsonSchema() is JSON Schema without any protocol, too", () => {
  const bare = compile([]);
  assertEquals(bare(object({ endpointSelector: {} })), true);
  assertEquals(bare(withRules({ l7proto: "r2d2" })), false);
});

Deno.test("policyJsonSchema() describes what it names", () => {
  const text = JSON.stringify(policyJsonSchema(PROTOCOLS));
  for (const words of ["the workloads that the rule is for", "droids"]) {
    assert(text.includes(words), words);
  }
});

const WHOLE = object({
  endpointSelector: {
    matchLabels: { app: "x" },
    matchExpressions: [{ key: "k", operator: "In", values: ["v"] }],
  },
  ingress: [{
    fromEndpoints: [{}],
    fromCIDRSet: [{ cidr: "10.0.0.0/8", except: ["10.0.0.1/32"] }],
    toPorts: [{ ports: [{ port: "1", endPort: 2, protocol: "TCP" }] }],
  }],
  egress: [
    {
      toFQDNs: [{ matchName: "a.io" }, { matchPattern: "*" }],
      toPorts: [{
        ports: [{ port: "web", protocol: "UDP" }],
        rules: { dns: [{ matchName: "a.io", matchPattern: "*.a.io" }] },
      }],
    },
    {
      toServices: [{
        k8sService: { serviceName: "a", namespace: "b" },
        k8sServiceSelector: { selector: {}, namespace: "b" },
      }],
      toRequires: [{ matchLabels: { a: "b" } }],
    },
    { icmps: [{ fields: [{ type: 8, family: "IPv4" }] }] },
  ],
  egressDeny: [{ toEntities: ["all"] }],
  enableDefaultDeny: { ingress: true },
});

/** Every place in a value. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, member]) =>
      pathsOf(member, [...path, key])
    ),
  ];
}

function replaced(value: unknown, [key, ...rest]: string[], put: unknown) {
  if (key === undefined) return put;
  const copy = structuredClone(value) as Record<string, unknown>;
  if (put === undefined && rest.length === 0) delete copy[key];
  else copy[key] = replaced(copy[key], rest, put);
  return copy as unknown;
}

Deno.test("policyJsonSchema() takes what policySchema takes, wherever a value is changed", () => {
  const scraps = fc.constantFrom<unknown>(
    undefined,
    null,
    "",
    "x",
    1,
    1.5,
    true,
    {},
    { "": "x" },
    { a: null },
    [],
    [{}],
    ["x"],
    [null],
  );
  const places = fc.constantFrom(...pathsOf(WHOLE));
  let taken = 0;
  fc.assert(
    fc.property(places, scraps, (path, put) => {
      const value = JSON.parse(
        JSON.stringify(replaced(WHOLE, path, put) ?? null),
      );
      const { success } = policySchema.safeParse(value);
      if (success) taken++;
      assertEquals(validate(value), success, JSON.stringify(value));
    }),
    { numRuns: 1000, seed: 20261124 },
  );
  assert(taken > 100 && taken < 900, `${taken} taken`);
});
