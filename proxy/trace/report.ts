/**
 * A trace in words, and as data.
 *
 * @module
 */
import type { Access, L7Account } from "../../policy/mod.ts";
import type { Trace, TracedRequest } from "./trace.ts";

/** See {@linkcode asJson}. */
export type TraceReport = ReturnType<typeof asJson>;

/** A trace as plain data. */
export function asJson(trace: Trace) {
  const { verdict, query, access, explanation, proto, request } = trace;
  const { closedBy, rules } = explanation;
  return {
    verdict,
    why: whyOf(trace),
    ...decisive(trace),
    query,
    ...(proto === undefined ? {} : { l7proto: proto }),
    connection: access.verdict,
    ...(request && { request: requestAsJson(request) }),
    closedBy,
    rules: rules.map((rule) => ({
      ...rule,
      entries: rule.entries.map(({ l7, ...entry }) => ({
        ...entry,
        ...(l7 && { l7: l7AsJson(l7, request) }),
      })),
    })),
  };
}

function requestAsJson({ proto, fields, decision }: TracedRequest) {
  return { l7proto: proto, fields, ...(decision && { decision }) };
}

function l7AsJson({ set, rules }: L7Account, request?: TracedRequest) {
  return {
    l7proto: set.proto,
    rules: rules.map(({ ref, raw, place }) => {
      return { ref, place, rule: raw, ...coverAsJson(request, ref) };
    }),
  };
}

/** Whether a rule covers the request, and which of its keys alone are in the way. */
function coverAsJson(
  request: TracedRequest | undefined,
  ref: string,
): { readonly covers?: boolean; readonly because?: readonly string[] } {
  const found = request?.coverage.get(ref);
  if (!found) return {};
  if (found.covers || !found.because?.length) return { covers: found.covers };
  return { covers: false, because: found.because };
}

/** `rule` and `reason` as the access log would say them. */
function decisive({ access, request }: Trace): {
  rule?: string;
  reason?: string;
} {
  const { rule, reason } = request?.decision ??
    (access.verdict === "denied"
      ? access
      : { rule: access.unrestricted?.rule, reason: undefined });
  return {
    ...(rule === undefined ? {} : { rule }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** In one sentence. */
export function whyOf(trace: Trace): string {
  const reason = reasonOf(trace);
  return trace.verdict === "audit"
    ? `${reason}; it passes, and is logged: what denies it is in audit mode`
    : reason;
}

function reasonOf(trace: Trace): string {
  const { access, explanation, query, request } = trace;
  const { closedBy, protos } = explanation;
  if (access.verdict === "denied" && request?.decision?.allowed === false) {
    return "a policy in audit mode denies the connection, and no L7 rule of the others covers the request (no-rule)";
  }
  if (access.verdict === "denied") {
    if (access.rule !== undefined) {
      return `${access.rule} denies the connection (deny-rule)`;
    }
    if (protos.length > 1) {
      return `the rules name ${
        protos.join(" and ")
      } for port ${query.port}: one of them would go unenforced (no-rule)`;
    }
    return `no rule allows the connection, and ${
      closedBy[0]
    } closes ${query.direction} (no-rule)`;
  }
  const decision = request?.decision;
  if (decision && decision.verdict !== "forwarded") {
    return `the connection is allowed, but no L7 rule${
      ofDocuments(access)
    } covers the request (no-rule)`;
  }
  const { unrestricted } = access;
  if (decision?.rule !== undefined) {
    return decision.rule === unrestricted?.rule
      ? `${decision.rule} allows the connection, whatever is asked on it`
      : `${decision.rule} covers the request`;
  }
  if (unrestricted?.rule !== undefined) {
    return `${unrestricted.rule} allows the connection, whatever is asked on it`;
  }
  if (unrestricted !== undefined) {
    return `no rule closes ${query.direction} for this workload, so all passes`;
  }
  return "the connection is allowed; the L7 rules below judge each request on it";
}

/** The documents whose rules are asked about requests. */
function ofDocuments(
  { sets }: Extract<Access, { verdict: "allowed" }>,
): string {
  const documents = new Set(sets.map(({ ref }) => ref.split("#", 1)[0]));
  return documents.size === 0 ? "" : ` of ${[...documents].join(" and ")}`;
}
