/** What the policy loader is told of L7 rules, in the parsers' own terms. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import {
  defineParser,
  nop,
  type ParserDefinition,
  type RuleIssue,
  z,
} from "parley/proxylib";
import memcache from "../../parsers/memcache/mod.ts";
import passer from "../../parsers/passer.ts";
import r2d2 from "../../parsers/r2d2.ts";
import { createCatalog } from "./catalog.ts";

/** A parser with a schema of the test's own. */
function withSchema(
  rule: z.ZodType,
  lint?: (rule: Readonly<Record<string, string>>) => readonly RuleIssue[],
): ParserDefinition {
  return defineParser({
    description: "test",
    rule,
    ...(lint ? { lint } : {}),
    matches: () => true,
    create: () => ({ onData: () => nop() }),
  });
}

const throwing = () => {
  throw new Error("a mistake of the author's");
};

const PARSERS: Record<string, ParserDefinition> = {
  memcache,
  passer,
  r2d2,
  plain: withSchema(z.strictObject({ name: z.string() })),
  keyless: withSchema(z.strictObject({})),
  broken: withSchema(z.strictObject({ a: z.string().refine(throwing) })),
  deaf: withSchema(z.strictObject({ a: z.string() }), throwing),
  wrapped: withSchema(
    z.strictObject({ cmd: z.string().optional() }).refine(() => true)
      .transform((rule) => rule).readonly(),
  ),
};

function catalog(parsers = PARSERS, more: readonly string[] = []) {
  return createCatalog({
    names: () => [...Object.keys(parsers), ...more].sort(),
    get: (name) => {
      const definition = parsers[name];
      return definition && { definition };
    },
  });
}

Deno.test("a parser that never loaded is no protocol", () => {
  const it = catalog({ r2d2 }, ["refused"]);
  assertEquals(it.names(), ["r2d2"]);
  assertEquals(it.has("r2d2"), true);
  assertEquals(it.has("refused"), false);
  assertEquals(it.has("nothing"), false);
});

const FINE: readonly [proto: string, rule: Record<string, string>][] = [
  ["memcache", {}],
  ["memcache", { command: "get", keyPrefix: "a/" }],
  ["r2d2", { cmd: "READ", file: "^/public" }],
  ["passer", { anything: "goes" }],
  ["plain", {}], // {} allows everything, and no schema is asked
  ["broken", {}],
  ["nothing", { x: "y" }], // the loader has reported the protocol itself
];

for (const [proto, rule] of FINE) {
  Deno.test(`${proto} takes ${JSON.stringify(rule)}`, () => {
    assertEquals(catalog().check(proto, rule), { errors: [], warnings: [] });
  });
}

const WRONG: readonly {
  readonly proto: string;
  readonly rule: Record<string, string>;
  readonly path: readonly string[];
  readonly code: string;
  readonly message: RegExp;
  readonly mend: RegExp;
}[] = [
  {
    proto: "memcache",
    rule: { comand: "get" },
    path: ["comand"],
    code: "memcache.key",
    message: /no key "comand"/,
    mend: /^write "command", if that is what was meant$/,
  },
  {
    proto: "memcache",
    rule: { Command: "get" },
    path: ["Command"],
    code: "memcache.key",
    message: /no key "Command"/,
    mend: /^write "command": only the case differs$/,
  },
  {
    proto: "memcache",
    rule: { verb: "get" },
    path: ["verb"],
    code: "memcache.key",
    message: /no key "verb"/,
    mend: /^use command, keyExact, keyPrefix or keyRegex$/,
  },
  {
    proto: "memcache",
    rule: { command: "gett" },
    path: ["command"],
    code: "memcache.command",
    message: /"gett" is no memcache command/,
    mend: /^write "gets?", if that is what was meant$/,
  },
  {
    proto: "memcache",
    rule: { command: "teleport" },
    path: ["command"],
    code: "memcache.command",
    message: /"teleport"/,
    mend: /^use one of .*\bget\b/,
  },
  {
    proto: "memcache",
    rule: { command: "get", keyRegex: "a(" },
    path: ["keyRegex"],
    code: "memcache.regex",
    message: /./,
    mend: /./,
  },
  {
    proto: "memcache",
    rule: { keyExact: "a" },
    path: ["command"],
    code: "memcache.no-command",
    message: /no command is named/,
    mend: /name the command/,
  },
  {
    proto: "r2d2",
    rule: { cmd: "READY" },
    path: ["cmd"],
    code: "r2d2.cmd",
    message: /"READY"/,
    mend: /READ, WRITE, HALT, RESET/,
  },
  {
    proto: "r2d2",
    rule: { cmd: "HALT", file: "x" },
    path: ["file"],
    code: "r2d2.file",
    message: /HALT has no file/,
    mend: /remove file/,
  },
  {
    proto: "plain",
    rule: { other: "x", name: "y" },
    path: ["other"],
    code: "plain.key",
    message: /no key "other"/,
    mend: /^use name$/,
  },
  {
    proto: "keyless",
    rule: { any: "x" },
    path: ["any"],
    code: "keyless.key",
    message: /no key "any"/,
    mend: /have no keys/,
  },
  {
    proto: "wrapped",
    rule: { cmdd: "x" },
    path: ["cmdd"],
    code: "wrapped.key",
    message: /no key "cmdd"/,
    mend: /^write "cmd", if/,
  },
  {
    proto: "broken",
    rule: { a: "x" },
    path: [],
    code: "broken.panic",
    message: /cannot check this rule: a mistake of the author's/,
    mend: /correct the rule schema of broken/,
  },
  {
    proto: "deaf",
    rule: { a: "x" },
    path: [],
    code: "deaf.panic",
    message: /a mistake of the author's/,
    mend: /deaf/,
  },
];

for (const { proto, rule, path, code, message, mend } of WRONG) {
  Deno.test(`${proto} refuses ${JSON.stringify(rule)} with ${code}`, () => {
    const { errors, warnings } = catalog().check(proto, rule);
    assertEquals(warnings, []);
    assertEquals(errors.length, 1, JSON.stringify(errors));
    assertEquals([errors[0]!.path, errors[0]!.code], [path, code]);
    assertMatch(errors[0]!.message, message);
    assertMatch(errors[0]!.mend, mend);
  });
}

Deno.test("a missing value is an issue with a default code and mend", () => {
  const { errors } = catalog().check("plain", { nam: "x" });
  assertEquals(errors.map(({ code }) => code).sort(), [
    "plain.key",
    "plain.value",
  ]);
  for (const { mend } of errors) assert(mend.length > 0);
});

Deno.test("every unknown key is an issue of its own", () => {
  const { errors } = catalog().check("memcache", { a: "1", b: "2" });
  assertEquals(errors.map(({ path }) => path), [["a"], ["b"]]);
});

const MISSING: RuleIssue = {
  path: [0],
  code: "listed.missing",
  message: "b is missing",
  mend: "add b",
};

/** Wants a rule with `b` in every list. */
const listed = {
  ...withSchema(z.strictObject({ a: z.string() }).transform(({ a }) => a)),
  lintRules: (rules: readonly string[]) => rules.includes("b") ? [] : [MISSING],
};

const LISTS: readonly {
  readonly of: readonly Record<string, string>[];
  readonly warnings: readonly RuleIssue[];
}[] = [
  { of: [{ a: "a" }, { a: "c" }], warnings: [MISSING] },
  { of: [{ a: "a" }, { a: "b" }], warnings: [] },
  { of: [{ a: "a" }, {}], warnings: [] }, // {} allows what seems to be missing
  { of: [{ a: "a" }, { x: "y" }], warnings: [] }, // what is wrong was said before
];

for (const { of, warnings } of LISTS) {
  Deno.test(`the list ${JSON.stringify(of)} has ${warnings.length} warnings`, () => {
    assertEquals(catalog({ listed }).checkList("listed", of), {
      errors: [],
      warnings,
    });
  });
}

Deno.test("a list of a protocol without a word on lists, or of none, is fine", () => {
  for (const proto of ["memcache", "nothing"]) {
    assertEquals(catalog().checkList(proto, [{ command: "get" }]), {
      errors: [],
      warnings: [],
    });
  }
});

Deno.test("what a parser throws over a list is an error of the list", () => {
  const deaf = { ...listed, lintRules: throwing };
  const { errors } = catalog({ deaf }).checkList("deaf", [{ a: "a" }]);
  assertEquals(errors.map(({ path, code }) => [path, code]), [
    [[], "deaf.panic"],
  ]);
});

Deno.test("what is legal but doubtful is a warning", () => {
  const { errors, warnings } = catalog().check("memcache", { command: "" });
  assertEquals(errors, []);
  assertEquals(warnings.map(({ code }) => code), ["memcache.command"]);
});
