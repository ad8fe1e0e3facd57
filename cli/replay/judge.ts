/**
 * What another policy would have said of recorded decisions.
 *
 * @module
 */
import type { Access, CompiledPolicy } from "../../policy/mod.ts";
import { grantOf } from "../../proxy/matcher.ts";
import type { Decision } from "../../proxylib/mod.ts";
import type { LoadedParsers } from "../loaded_parsers.ts";
import type { Record } from "./record.ts";

/** The verdict, and what made it. */
export type Replayed =
  | {
    readonly verdict: "allowed" | "audit" | "denied";
    readonly rule?: string;
    readonly reason?: string;
  }
  /** Its bytes would have been read otherwise, or cannot be made of what the log says. */
  | { readonly verdict: "unknown"; readonly why: string };

/** Records that one parser is asked about under one access. */
interface Group {
  readonly proto: string;
  readonly access: Access;
  /** Their places in the list of all. */
  readonly places: number[];
}

/** Asks a policy about records; the answers are in their order. */
export async function replayed(
  records: readonly Record[],
  policy: CompiledPolicy,
  parsers: LoadedParsers,
): Promise<Replayed[]> {
  const answers: Replayed[] = [];
  const groups = new Map<string, Map<Access, Group>>();
  for (const [place, record] of records.entries()) {
    const access = policy.resolve(record.query);
    const answer = ofConnection(access);
    answers.push(answer);
    if (record.type === "connection" || answer.verdict === "denied") continue;
    const proto = parserFor(access, record, parsers);
    if (typeof proto !== "string") {
      answers[place] = proto;
      continue;
    }
    const known = groups.get(proto) ?? new Map<Access, Group>();
    groups.set(proto, known);
    const group = known.get(access) ?? { proto, access, places: [] };
    known.set(access, group);
    group.places.push(place);
  }
  for (
    const group of [...groups.values()].flatMap((all) => [...all.values()])
  ) {
    const { proto, access, places } = group;
    const given = places.map((place) => records[place]!.fields);
    const question = { type: "requests", access, given } as const;
    const decisions = await parsers.ask(proto, question);
    for (const [index, decision] of decisions.entries()) {
      answers[places[index]!] = ofRequest(decision);
    }
  }
  return answers;
}

/** The parser that would read the request, or why none can be asked. */
function parserFor(
  access: Access,
  { proto }: Record,
  { status }: LoadedParsers,
): string | Replayed {
  const wanted = grantOf(access, "enforce").proto ?? proto;
  if (wanted === undefined || wanted !== proto) {
    const why = `the policy wants the bytes read as ${wanted}`;
    return { verdict: "unknown", why };
  }
  const serves = status.some(({ name, version }) => {
    return name === proto && version !== undefined;
  });
  const why = `there is no parser ${proto}`;
  return serves ? proto : { verdict: "unknown", why };
}

function ofRequest(
  decision: Decision | { readonly wrong: string },
): Replayed {
  if ("wrong" in decision) return { verdict: "unknown", why: decision.wrong };
  const { allowed, verdict, rule, reason } = decision;
  return {
    verdict: !allowed ? "denied" : verdict === "audit" ? "audit" : "allowed",
    ...(rule === undefined ? {} : { rule }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function ofConnection(access: Access): Replayed {
  if (access.verdict === "allowed") {
    const rule = access.unrestricted?.rule;
    return { verdict: "allowed", ...(rule === undefined ? {} : { rule }) };
  }
  const { reason, enforced } = access;
  const rule = access.rule ?? access.closedBy;
  return {
    verdict: enforced?.verdict === "allowed" ? "audit" : "denied",
    reason,
    ...(rule === undefined ? {} : { rule }),
  };
}
