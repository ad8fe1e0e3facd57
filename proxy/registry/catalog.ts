/**
 * Answers the policy loader's questions about L7 rules from the parsers' own
 * schemas.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";
import type { L7Catalog, RuleIssue, RuleIssues } from "../../policy/mod.ts";
import { nearMiss, oneOf } from "../../policy/problem.ts";

type RawRule = Readonly<Record<string, string>>;

/** A zod issue, as far as it is used here. */
interface SchemaIssue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly params?: {
    readonly code?: string;
    readonly mend?: string;
    /** The values that are legal there, for a near-miss hint. */
    readonly options?: readonly string[];
  };
}

/** The catalog of the parsers that a registry serves now. */
export function createCatalog(registry: {
  names(): readonly string[];
  get(name: string): { readonly definition: ParserDefinition } | undefined;
}): L7Catalog {
  return {
    names: () => registry.names().filter((name) => registry.get(name)),
    has: (proto) => registry.get(proto) !== undefined,
    check(proto, rule) {
      const parser = registry.get(proto);
      if (!parser || Object.keys(rule).length === 0) {
        return { errors: [], warnings: [] };
      }
      return guarded(proto, () => checkRule(proto, parser.definition, rule));
    },
    checkList(proto, rules) {
      const parser = registry.get(proto);
      return guarded(proto, () => ({
        errors: [],
        warnings: parser ? lintList(parser.definition, rules) : [],
      }));
    },
  };
}

function checkRule(
  proto: string,
  definition: ParserDefinition,
  rule: RawRule,
): RuleIssues {
  const parsed = definition.rule.safeParse(rule);
  const errors = parsed.success
    ? []
    : (parsed.error.issues as unknown as SchemaIssue[])
      .flatMap((issue) =>
        plainIssues(ruleIssues(proto, definition, rule, issue))
      );
  return { errors, warnings: plainIssues(definition.lint?.(rule) ?? []) };
}

function lintList(
  definition: ParserDefinition,
  rules: readonly RawRule[],
): RuleIssue[] {
  if (!definition.lintRules) return [];
  const compiled: unknown[] = [];
  for (const rule of rules) {
    // One that allows everything, or was found wrong before.
    const parsed = Object.keys(rule).length > 0 &&
      definition.rule.safeParse(rule);
    if (!parsed || !parsed.success) return [];
    compiled.push(parsed.data);
  }
  return plainIssues(definition.lintRules(compiled));
}

/** A parser's schema is the author's code: what it throws is an answer too. */
function guarded(proto: string, check: () => RuleIssues): RuleIssues {
  try {
    return check();
  } catch (error) {
    const message = `the parser ${proto} cannot check this rule: ${
      error instanceof Error ? error.message : error
    }`;
    const mend = `correct the rule schema of ${proto}`;
    return {
      errors: [{ path: [], code: `${proto}.panic`, message, mend }],
      warnings: [],
    };
  }
}

/** Copies what a parser's code has made, as texts: it may be anything. @throws when it is no list */
function plainIssues(issues: readonly RuleIssue[]): RuleIssue[] {
  return Array.from(issues, ({ path, code, message, mend }) => ({
    path: Array.from(
      path,
      (part) => typeof part === "number" ? part : `${part}`,
    ),
    code: `${code}`,
    message: `${message}`,
    mend: `${mend}`,
  }));
}

function ruleIssues(
  proto: string,
  definition: ParserDefinition,
  rule: RawRule,
  issue: SchemaIssue,
): RuleIssue[] {
  const path = issue.path.map((part) =>
    typeof part === "number" ? part : String(part)
  );
  if (issue.code === "unrecognized_keys") {
    return (issue.keys ?? []).map((key) =>
      unknownKey(proto, definition, [...path, key])
    );
  }
  const { code, mend, options } = issue.params ?? {};
  const found = rule[String(path[0])];
  const near = options && found !== undefined
    ? nearMiss(found, options)
    : undefined;
  return [{
    path,
    code: code ?? `${proto}.value`,
    message: issue.message,
    mend: near ?? mend ?? "write a value that the parser takes",
  }];
}

function unknownKey(
  proto: string,
  definition: ParserDefinition,
  path: readonly (string | number)[],
): RuleIssue {
  const key = String(path.at(-1));
  const known = keysOf(definition);
  return {
    path,
    code: `${proto}.key`,
    message: `${proto} rules have no key ${JSON.stringify(key)}`,
    mend: nearMiss(key, known) ??
      (known.length > 0
        ? `use ${oneOf(known)}`
        : `remove it: ${proto} rules have no keys`),
  };
}

/** The keys of an object schema, also behind refinements and transforms. */
function keysOf(definition: ParserDefinition): string[] {
  // deno-lint-ignore no-explicit-any -- zod's inner types differ from version to version
  let schema = definition.rule as any;
  while (schema && !schema.shape) schema = schema.in ?? schema.def?.innerType;
  return Object.keys(schema?.shape ?? {});
}
