import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { defineParser, nop, type ParserDefinition, z } from "parley/proxylib";
import type { Access, Allowed } from "../policy/mod.ts";
import { coverage, createJudge, type Mode } from "./matcher.ts";

/** Rules name a word. Counts how often one is compiled. */
function words(): { definition: ParserDefinition; compiled(): number } {
  let count = 0;
  const definition = defineParser({
    description: "words",
    rule: z.strictObject({ word: z.string() }).transform((rule) => {
      count++;
      return rule;
    }),
    matches: ({ word }, request: string) => word === request,
    create: () => ({ onData: nop }),
  });
  return { definition, compiled: () => count };
}

function set(ref: string, ...rules: Record<string, string>[]) {
  return {
    proto: "words",
    ref,
    rules: rules.map((raw, i) => ({ ref: `${ref}[${i}]`, raw })),
  };
}

const ROWS: {
  name: string;
  grant: Omit<Allowed, "verdict">;
  mode?: Mode;
  want: string;
}[] = [
  {
    name: "forwards by the first rule that covers the request",
    grant: { sets: [set("s", { word: "b" }, { word: "a" }, { word: "a" })] },
    want: "forwarded s[1]",
  },
  {
    name: "looks into every set",
    grant: { sets: [set("s", { word: "b" }), set("t", { word: "a" })] },
    want: "forwarded t[0]",
  },
  {
    name: "denies what no rule covers",
    grant: { sets: [set("s", { word: "b" })] },
    want: "denied no-rule",
  },
  {
    name: "denies when there is no set at all",
    grant: { sets: [] },
    want: "denied no-rule",
  },
  {
    name:
      "lets what it would deny pass in audit mode, and says what lacks a rule",
    grant: { sets: [set("s", { word: "b" })] },
    mode: "audit",
    want: "audit s no-rule",
  },
  {
    name: "takes a set without rules as one that covers all, by its own name",
    grant: { sets: [set("s")] },
    want: "forwarded s",
  },
  {
    name:
      "takes the empty rule as one that covers all, without asking the parser",
    grant: { sets: [set("s", {})] },
    want: "forwarded s[0]",
  },
  {
    name:
      "takes a rule that its parser does not understand as covering nothing",
    grant: { sets: [set("s", { verb: "a" })] },
    want: "denied no-rule",
  },
  {
    name: "lets an allow without L7 rules cover what the rules leave",
    grant: { sets: [set("s", { word: "b" })], unrestricted: { rule: "u" } },
    want: "forwarded u",
  },
  {
    name: "prefers the rule that says more to the allow without L7 rules",
    grant: { sets: [set("s", { word: "a" })], unrestricted: { rule: "u" } },
    want: "forwarded s[0]",
  },
  {
    name: "names no rule where none closes the direction",
    grant: { sets: [], unrestricted: {} },
    want: "forwarded",
  },
];

for (const { name, grant, mode = "enforce", want } of ROWS) {
  Deno.test(`createJudge ${name}`, () => {
    const { definition } = words();
    const judge = createJudge(
      definition,
      { verdict: "allowed", ...grant },
      mode,
    );
    const { allowed, verdict, rule, reason } = judge("a");
    const said = [verdict, rule, reason].filter((part) => part !== undefined);
    assertEquals(said.join(" "), want);
    assertEquals(allowed, verdict !== "denied");
  });
}

const OPEN: Allowed = { verdict: "allowed", sets: [], unrestricted: {} };

/** What all documents grant, and what those that are enforced do. */
const ENFORCED: { name: string; access: Access; mode?: Mode; want: string }[] =
  [
    {
      name: "audits what only a document in audit mode leaves out",
      access: {
        verdict: "allowed",
        sets: [set("s", { word: "b" })],
        enforced: OPEN,
      },
      want: "audit s no-rule",
    },
    {
      name: "denies what an enforced document leaves out too",
      access: {
        verdict: "allowed",
        sets: [set("s", { word: "b" }), set("t", { word: "c" })],
        enforced: { verdict: "allowed", sets: [set("t", { word: "c" })] },
      },
      want: "denied no-rule",
    },
    {
      name: "forwards what a document in audit mode allows",
      access: {
        verdict: "allowed",
        sets: [set("s", { word: "a" })],
        enforced: { verdict: "denied", reason: "no-rule" },
      },
      want: "forwarded s[0]",
    },
    {
      name:
        "goes by what is enforced where the connection itself was only audited",
      access: {
        verdict: "denied",
        reason: "no-rule",
        enforced: { verdict: "allowed", sets: [set("t", { word: "c" })] },
      },
      want: "denied no-rule",
    },
    {
      name: "asks nothing of a connection that was denied in audit mode",
      access: { verdict: "denied", reason: "no-rule" },
      mode: "audit",
      want: "forwarded",
    },
  ];

for (const { name, access, mode = "enforce", want } of ENFORCED) {
  Deno.test(`createJudge ${name}`, () => {
    const { definition } = words();
    const { verdict, rule, reason } = createJudge(definition, access, mode)(
      "a",
    );
    const said = [verdict, rule, reason].filter((part) => part !== undefined);
    assertEquals(said.join(" "), want);
  });
}

Deno.test("createJudge compiles a set once per parser, not once per connection", () => {
  const [one, other] = [words(), words()];
  const grant: Allowed = {
    verdict: "allowed",
    sets: [set("s", { word: "a" })],
  };
  for (let i = 0; i < 5; i++) {
    createJudge(one.definition, grant, "enforce")("a");
    createJudge(other.definition, grant, "audit")("a");
  }
  assertEquals([one.compiled(), other.compiled()], [1, 1]);
});

/** Rules name a word, a colour or both; a colour alone is no rule. */
const coloured = defineParser({
  description: "coloured words",
  rule: z.strictObject({
    word: z.string(),
    colour: z.string().optional(),
  }),
  matches: ({ word, colour }, request: { word: string; colour: string }) =>
    word === request.word &&
    (colour === undefined || colour === request.colour),
  create: () => ({ onData: nop }),
});

const COVERAGE = [
  { raw: { word: "a", colour: "red" }, want: { covers: true } },
  { raw: {}, want: { covers: true } },
  { raw: { word: "b" }, want: { covers: false, because: [] } },
  {
    raw: { word: "a", colour: "blue" },
    want: { covers: false, because: ["colour"] },
  },
  {
    raw: { word: "b", colour: "blue" },
    want: { covers: false, because: [] },
  },
  { raw: { verb: "a" }, want: { covers: false, because: undefined } },
];

for (const { raw, want } of COVERAGE) {
  Deno.test(`coverage says ${JSON.stringify(want)} of ${JSON.stringify(raw)}`, () => {
    const rule = { ref: "r", raw: raw as Record<string, string> };
    const request = { word: "a", colour: "red" };
    assertEquals(coverage(coloured, rule, request), want);
    const judge = createJudge(coloured, {
      verdict: "allowed",
      sets: [{ proto: "coloured", ref: "s", rules: [rule] }],
    }, "enforce");
    assertEquals(judge(request).allowed, want.covers);
  });
}

const PARTS: { parts: string; want: string }[] = [
  { parts: "a b", want: "forwarded s[0]" },
  { parts: "b a", want: "forwarded s[1]" },
  { parts: "a c", want: "denied no-rule" },
  { parts: "c a", want: "denied no-rule" },
  { parts: "", want: "denied no-rule" },
];

for (const { parts, want } of PARTS) {
  Deno.test(`createJudge() judges a request with the parts "${parts}" as ${want}`, () => {
    const definition: ParserDefinition = {
      ...words().definition,
      parts: (request: string) => request.split(" ").filter(Boolean),
    };
    const grant: Allowed = {
      verdict: "allowed",
      sets: [set("s", { word: "a" }, { word: "b" })],
    };
    const { verdict, rule, reason } = createJudge(definition, grant, "enforce")(
      parts,
    );
    assertEquals(`${verdict} ${rule ?? reason}`, want);
  });
}
