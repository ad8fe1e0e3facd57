/**
 * The L7 half of a policy decision: which rule, if any, covers a request.
 *
 * @module
 */
import type { Decision, ParserDefinition } from "parley/proxylib";
import type { Access, Allowed, L7Rule, L7Set } from "../policy/mod.ts";
import { type Compiled, Rules } from "./rules.ts";

/** `enforce` denies; `audit` logs what would be denied and denies nothing. */
export type Mode = "enforce" | "audit";

/** Judges the requests of one connection under one version of the policy. */
export type Judge = (request: unknown) => Decision;

/** What parsers are shown is frozen: decisions are shared by all connections. */
const DENIED: Decision = Object.freeze({
  allowed: false,
  verdict: "denied",
  reason: "no-rule",
});

/** Without a policy entry nothing is known of requests: in audit mode, none is denied for want of one. */
const OPEN: Allowed = Object.freeze({
  verdict: "allowed",
  sets: Object.freeze([]),
  unrestricted: Object.freeze({}),
});

/** Whether a connection may be, if only because a document is in audit mode. */
export function isAudited(access: Access): boolean {
  return access.verdict === "denied" && access.enforced?.verdict === "allowed";
}

/**
 * What counts for the requests of a connection. One that is denied goes on only
 * in audit mode: a document's, and then by what is enforced, or the sidecar's.
 */
export function grantOf(access: Access, mode: Mode): Allowed {
  if (access.verdict === "allowed") return access;
  return mode === "enforce" && access.enforced?.verdict === "allowed"
    ? access.enforced
    : OPEN;
}

/** Narrows an access to the question that is asked at each request. */
export function createJudge(
  definition: ParserDefinition,
  access: Access,
  mode: Mode,
): Judge {
  const grant = grantOf(access, mode);
  const granted = grantedBy(definition, grant);
  const enforced = grant === access && access.enforced?.verdict === "allowed"
    ? grantedBy(definition, access.enforced)
    : undefined;
  const denied = mode === "audit" ? granted.audited : DENIED;

  function judgeOne(request: unknown): Decision {
    const decision = granted.rules.find(definition, request);
    if (decision) return decision;
    if (enforced?.rules.find(definition, request)) return granted.audited;
    return denied;
  }

  return (request) => {
    const parts = definition.parts?.(request);
    if (!parts) return judgeOne(request);
    // The first part that is not plainly allowed speaks for the whole, and one
    // that is denied before one that only would be.
    const decisions = parts.map(judgeOne);
    return decisions.find(({ allowed }) => !allowed) ??
      decisions.find(({ verdict }) => verdict !== "forwarded") ??
      decisions[0] ?? denied;
  };
}

/** What is made of a grant. */
interface Granted {
  readonly rules: Rules;
  /** For a request that no rule covers: it passes, and the rule says where one is missing. */
  readonly audited: Decision;
}

/** By the grant, which keeps its identity while the policy does. */
const grants = new WeakMap<ParserDefinition, WeakMap<Allowed, Granted>>();

function grantedBy(definition: ParserDefinition, grant: Allowed): Granted {
  const known = grants.get(definition) ?? new WeakMap<Allowed, Granted>();
  grants.set(definition, known);
  const found = known.get(grant);
  if (found) return found;
  const compiled = grant.sets.flatMap((set) => compileSet(definition, set));
  if (grant.unrestricted) compiled.push(everything(grant.unrestricted.rule));
  const made: Granted = {
    rules: new Rules(definition, compiled),
    audited: audited(grant.sets[0]?.ref),
  };
  known.set(grant, made);
  return made;
}

/** By the set, which several grants may share. */
const sets = new WeakMap<ParserDefinition, WeakMap<L7Set, Compiled[]>>();

function compileSet(definition: ParserDefinition, set: L7Set): Compiled[] {
  const known = sets.get(definition) ?? new WeakMap<L7Set, Compiled[]>();
  sets.set(definition, known);
  const found = known.get(set);
  if (found) return found;
  const compiled = set.rules.length === 0
    ? [everything(set.ref)]
    : set.rules.flatMap((rule) => compileRule(definition, rule));
  known.set(set, compiled);
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
  return Object.freeze(
    ref === undefined ? decision : { ...decision, rule: ref },
  );
}

function audited(ref: string | undefined): Decision {
  const decision: Decision = {
    allowed: true,
    verdict: "audit",
    reason: "no-rule",
  };
  return Object.freeze(
    ref === undefined ? decision : { ...decision, rule: ref },
  );
}
