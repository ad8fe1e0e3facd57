/**
 * Rules: `query_action`, `query_table` (Cilium's vocabulary).
 *
 * @module
 */
import {
  BoundedMap,
  type Filing,
  regexKey,
  type RuleIndex,
  type RuleIssue,
  z,
} from "parley/proxylib";
import { ACTIONS, ON_PERMISSIONS, UNKNOWN, WITH_TABLE } from "./actions.ts";
import { type Request, requestOf } from "./request.ts";

/** A compiled rule. All tests that are present must hold. */
export interface Rule {
  /** Absent: any. */
  readonly action?: string;
  /** Absent: any, or none at all. */
  readonly table?: (name: string) => boolean;
  /** Which tables that may be, as far as it is plain. */
  readonly filing?: Pick<Filing, "exact" | "prefix">;
}

/** What the names weigh that a rule remembers to have looked at. */
const REMEMBERED = 64 * 1024;

/** One `l7` map. */
export const ruleSchema: z.ZodType<Rule, unknown> = z.strictObject({
  query_action: z.string().default("").refine(
    (name) => name === "" || ACTIONS.has(name),
    {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is no action of a CQL statement`,
      params: {
        code: "cassandra.action",
        mend: `use one of ${[...ACTIONS].join(", ")}`,
        options: [...ACTIONS],
      },
    },
  ),
  query_table: regexKey("cassandra.regex").optional(),
}).superRefine(({ query_action, query_table }, context) => {
  if (!query_table?.source || query_action === "") return;
  if (!ACTIONS.has(query_action) || WITH_TABLE.has(query_action)) return;
  context.addIssue({
    code: "custom",
    path: ["query_table"],
    message: `a table is tested, but ${query_action} is not done to a table`,
    params: {
      code: "cassandra.table",
      mend:
        "delete query_table: the rule covers the action wherever it is done",
    },
  });
}).transform(({ query_action, query_table }): Rule => ({
  ...(query_action ? { action: query_action } : {}),
  ...(query_table?.source
    ? {
      table: remembering((name) => query_table.test(name)),
      filing: {
        [query_table.isExact ? "exact" : "prefix"]: query_table.prefix,
      },
    }
    : {}),
}));

/** The same few tables are asked about again and again, and an expression is dear. */
function remembering(
  test: (name: string) => boolean,
): (name: string) => boolean {
  const known = new BoundedMap<boolean>(REMEMBERED);
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const answer = test(name);
    known.set(name, answer, 0);
    return answer;
  };
}

/** Empty values are legal and allow more than was probably meant. */
export function lintRule(
  rule: Readonly<Record<string, string>>,
): readonly RuleIssue[] {
  const { query_action, query_table } = rule;
  if (query_action === "" && !query_table) {
    return [{
      path: ["query_action"],
      code: "cassandra.action",
      message: 'query_action: "" allows every statement',
      mend: "write {} if that is meant, else name the action",
    }];
  }
  if (query_table !== "") return [];
  return [{
    path: ["query_table"],
    code: "cassandra.table",
    message: 'query_table: "" tests nothing: every table is allowed',
    mend: "delete query_table if that is meant, else say which tables",
  }];
}

/** Tables that drivers for Cassandra 4 and later read when they connect. */
const VIRTUAL_SCHEMA = ["keyspaces", "tables", "columns"].map((table) =>
  requestOf({
    query_action: ["select"],
    query_table: [`system_virtual_schema.${table}`],
  })
);

/** A list that lets drivers work with Cassandra 3 only is legal, too. */
export function lintRules(rules: readonly Rule[]): readonly RuleIssue[] {
  const isCovered = VIRTUAL_SCHEMA.every((request) =>
    rules.some((rule) => matches(rule, request))
  );
  return isCovered ? [] : [{
    path: [],
    code: "cassandra.virtual-schema",
    message:
      "the list lacks select on system_virtual_schema, which drivers for Cassandra 4 and later read when they connect; some do not connect without it",
    mend:
      "add { query_action: select, query_table: '^system_virtual_schema\\.' }, unless another rule list allows it to the same peers",
  }];
}

/**
 * Whether a rule covers a request.
 *
 * Requests without a statement are covered by any rule. So is `use`, which opens
 * nothing, as long as no rule names it. A rule with `query_table` covers only
 * statements that touch tables, and whose every table it knows.
 */
export function matches(rule: Rule, request: Request): boolean {
  const { action, table } = rule;
  if (action === undefined && table === undefined) return true;
  if (request.action === "") return true;
  if (request.action === UNKNOWN) return false;
  if (request.action === "use" && action !== "use") {
    if (request.use === "lenient") return true;
    if (request.use === "named") return false;
  }
  if (request.use === "named") return true;
  if (action !== undefined && action !== request.action) return false;
  if (table === undefined) return true;
  const { tables } = request;
  if (tables.length === 0 || ON_PERMISSIONS.has(request.action)) return false;
  for (let i = 0; i < tables.length; i++) if (!table(tables[i]!)) return false;
  return true;
}

/** What any rule may cover, whatever it names. */
const ANY_RULES = ["", "use"];

/** Rules are found by their action, and by the first table: a rule must cover it as it must all others. */
export const index: RuleIndex<Request, Rule> = {
  file: ({ action, filing }) => ({
    ...(action === undefined ? {} : { groups: [action, ...ANY_RULES] }),
    ...filing,
  }),
  group: ({ action }) => action,
  text: ({ action, tables }) =>
    ANY_RULES.includes(action) ? undefined : tables[0],
  alike({ action, use, tables }) {
    return tables.length === 1
      ? `${action} ${use} ${tables[0]}`
      : JSON.stringify([action, use, ...tables]);
  },
};
