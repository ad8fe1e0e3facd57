/**
 * The L7 half of a policy decision: which rule, if any, covers a request.
 *
 * @module
 */
import type { Decision, ParserDefinition } from "parley/proxylib";
import type { Access, L7Rule, L7Set } from "../policy/mod.ts";

/** `enforce` denies; `audit` logs what would be denied and denies nothing. */
export type Mode = "enforce" | "audit";

/** What a connection was granted, without the denied case. */
export type Grant = Extract<Access, { verdict: "allowed" }>;

/** Judges the requests of one connection under one version of the policy. */
export type Judge = (request: unknown) => Decision;

/** A rule ready to be asked. `rule` absent: it covers every request. */
interface Compiled {
  readonly decision: Decision;
  readonly rule?: { readonly value: unknown };
}

/** Narrows a grant to the question that is asked at each request. */
export function createJudge(
  definition: ParserDefinition,
  grant: Grant,
  mode: Mode,
): Judge {
  const denied: Decision = mode === "audit"
    ? { allowed: true, verdict: "audit", reason: "no-rule" }
    : { allowed: false, verdict: "denied", reason: "no-rule" };
  const compiled = grant.sets.flatMap((set) => compileSet(definition, set));
  if (grant.unrestricted) compiled.push(everything(grant.unrestricted.rule));

  function judgeOne(request: unknown): Decision {
    for (const { rule, decision } of compiled) {
      if (!rule || definition.matches(rule.value, request)) return decision;
    }
    return denied;
  }

  return (request) => {
    const parts = definition.parts?.(request);
    if (!parts) return judgeOne(request);
    // The first part that is not plainly allowed speaks for the whole.
    const decisions = parts.map(judgeOne);
    return decisions.find(({ verdict }) => verdict !== "forwarded") ??
      decisions[0] ?? denied;
  };
}

/** Sets keep their identity for the life of a policy, so each is compiled once per parser version. */
const cache = new WeakMap<ParserDefinition, WeakMap<L7Set, Compiled[]>>();

function compileSet(definition: ParserDefinition, set: L7Set): Compiled[] {
  const sets = cache.get(definition) ?? new WeakMap<L7Set, Compiled[]>();
  cache.set(definition, sets);
  const known = sets.get(set);
  if (known) return known;
  const compiled = set.rules.length === 0
    ? [everything(set.ref)]
    : set.rules.flatMap((rule) => compileRule(definition, rule));
  sets.set(set, compiled);
  return compiled;
}

/**
 * Compiles one rule. The loader has checked it against the newest parser; one
 * that this version of the parser does not understand covers nothing.
 */
function compileRule(definition: ParserDefinition, rule: L7Rule): Compiled[] {
  if (Object.keys(rule.raw).length === 0) return [everything(rule.ref)];
  const parsed = definition.rule.safeParse(rule.raw);
  if (!parsed.success) return [];
  return [{ decision: forwarded(rule.ref), rule: { value: parsed.data } }];
}

/** How one rule stands to one request, for `trace`. */
export type Coverage =
  | { readonly covers: true }
  | {
    readonly covers: false;
    /** Keys that alone are in the way: without one of them the rule would cover the request. */
    readonly because: readonly string[];
  }
  /** This version of the parser does not understand the rule. */
  | { readonly covers: false; readonly because: undefined };

/** Asks one rule what {@linkcode createJudge} asks all. */
export function coverage(
  definition: ParserDefinition,
  rule: L7Rule,
  request: unknown,
): Coverage {
  const covers = (raw: L7Rule["raw"]) => {
    const [compiled] = compileRule(definition, { ref: rule.ref, raw });
    if (!compiled) return undefined;
    return !compiled.rule || definition.matches(compiled.rule.value, request);
  };
  const answer = covers(rule.raw);
  if (answer === undefined) return { covers: false, because: undefined };
  if (answer) return { covers: true };
  const keys = Object.keys(rule.raw);
  // Of a single key it goes without saying, and `{}` would cover anything.
  const because = keys.length < 2 ? [] : keys.filter((key) => {
    const { [key]: _, ...others } = rule.raw;
    return covers(others);
  });
  return { covers: false, because };
}

function everything(ref: string | undefined): Compiled {
  return { decision: forwarded(ref) };
}

function forwarded(ref: string | undefined): Decision {
  const decision: Decision = { allowed: true, verdict: "forwarded" };
  return ref === undefined ? decision : { ...decision, rule: ref };
}
