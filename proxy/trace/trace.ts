/**
 * Would this connection, or this request on it, be allowed, and by which rule?
 *
 * The answer comes from the code that judges traffic: `resolve` of the compiled
 * policy here, `createJudge` where the parser is loaded. The account of the
 * rules stands beside it.
 *
 * @module
 */
import type {
  Access,
  CompiledPolicy,
  Direction,
  Explanation,
  Query,
} from "../../policy/mod.ts";
import { ParleyError } from "../../proxylib/error.ts";
import type { Decision, Fields, FieldTexts } from "../../proxylib/mod.ts";
import type { Answers, Question } from "../control/messages.ts";
import { type Coverage, isAudited, type Mode } from "../matcher.ts";
import { WrongQuestion } from "./wrong_question.ts";

/** What is asked, under what. */
export interface Asked {
  readonly policy: CompiledPolicy;
  readonly query: Query;
  readonly mode: Mode;
  /** The parser that was named for the port; and that of the listener, where nobody names one. */
  readonly l7proto?: string | undefined;
  readonly fallback?: string | undefined;
  /** Fields of a request. */
  readonly given?: FieldTexts | undefined;
}

/** The parsers that requests are shown to. */
export interface AskedParsers {
  /** @throws {Error} when none of the name can be asked */
  find(name: string): void;
  /** @throws {ParleyError} when it ends the process that it is loaded in, or does not answer */
  ask(
    name: string,
    question: Extract<Question, { type: "request" }>,
  ): Promise<Answers["request"]>;
}

/** A request that was traced, and what each L7 rule said of it, by the rule's ref. */
export interface TracedRequest {
  readonly proto: string;
  readonly fields: Fields;
  /** Absent when the connection is denied: no request is read then. */
  readonly decision?: Decision;
  readonly coverage: ReadonlyMap<string, Coverage>;
}

/** The answer, and how it came about. */
export interface Trace {
  /** `audit`: it would be denied, and passes, for a policy is in audit mode. */
  readonly verdict: "allowed" | "audit" | "denied";
  readonly query: Query;
  readonly access: Access;
  readonly explanation: Explanation;
  /** The parser that would read the bytes. */
  readonly proto?: string;
  readonly request?: TracedRequest;
}

/**
 * Decides as the data path would.
 *
 * @throws {WrongQuestion} when the fields make no request
 * @throws {ParleyError} when the parser fails
 */
export async function trace(
  asked: Asked,
  parsers: AskedParsers,
): Promise<Trace> {
  const { policy, query, mode, l7proto, given } = asked;
  const access = policy.resolve(query);
  const explanation = policy.explain(query);
  const proto = protocolOf(explanation, asked);
  if (l7proto !== undefined || given !== undefined) parsers.find(proto!);
  const request = given &&
    await traceRequest(parsers, proto!, access, explanation, mode, given);
  return {
    verdict: verdictOf(access, mode, request?.decision),
    query,
    access,
    explanation,
    ...(proto === undefined ? {} : { proto }),
    ...(request === undefined ? {} : { request }),
  };
}

/** What the bytes are read as where no policy says it. */
export function fallbackOf(
  listeners: readonly {
    readonly direction: Direction;
    readonly port?: number;
    readonly l7proto?: string;
  }[],
  { direction, port }: Query,
): string | undefined {
  return listeners.find((listener) =>
    listener.direction === direction &&
    (listener.port === undefined || listener.port === port)
  )?.l7proto;
}

function verdictOf(
  access: Access,
  mode: Mode,
  decision?: Decision,
): Trace["verdict"] {
  const isDenied = access.verdict === "denied" && !passes(access, mode);
  if (isDenied || decision?.allowed === false) return "denied";
  return access.verdict === "denied" || decision?.verdict === "audit"
    ? "audit"
    : "allowed";
}

/** Whether requests are read: a connection that is denied goes on in audit mode. */
function passes(access: Access, mode: Mode): boolean {
  return access.verdict === "allowed" || mode === "audit" || isAudited(access);
}

/** The policy's protocol for the port, or that of the question or the listener when it names none. */
function protocolOf(
  { protos }: Explanation,
  { query: { port }, l7proto, fallback, given }: Asked,
): string | undefined {
  if (l7proto !== undefined) {
    if (protos.length === 0 || protos.includes(l7proto)) return l7proto;
    throw new WrongQuestion(
      `l7proto ${l7proto} is not what the policy reads port ${port} as: that is ${
        protos.join(" and ")
      }; leave it out, or mend the policy`,
    );
  }
  const [proto = fallback, second] = protos;
  if (given === undefined) return proto;
  if (proto !== undefined && second === undefined) return proto;
  throw new WrongQuestion(
    proto === undefined
      ? `l7: no rule names a parser for port ${port}, so fields mean nothing yet; name it as l7proto`
      : `l7: the rules name ${
        protos.join(" and ")
      } for port ${port}; say as l7proto which one the fields are of`,
  );
}

async function traceRequest(
  parsers: AskedParsers,
  proto: string,
  access: Access,
  { rules }: Explanation,
  mode: Mode,
  given: FieldTexts,
): Promise<TracedRequest> {
  const asked = rules.flatMap(({ entries }) => entries)
    .filter(({ applies }) => applies)
    .flatMap(({ l7 }) => l7?.rules ?? []);
  const answer = await parsers.ask(proto, {
    type: "request",
    given,
    mode,
    ...(passes(access, mode) ? { access } : {}),
    rules: asked.map(({ ref, raw }) => ({ ref, raw })),
  });
  if ("wrong" in answer) throw new WrongQuestion(`l7: ${answer.wrong}`);
  if ("panic" in answer) {
    throw new ParleyError(`Cannot judge a request of ${proto}`, {
      blame: "parser",
      where: `parser ${proto}`,
      found: answer.panic,
      mend: "correct its matches; a connection would be closed here",
    });
  }
  const { fields, decision, coverage } = answer;
  return {
    proto,
    fields,
    ...(decision ? { decision } : {}),
    coverage: new Map(
      coverage.map((found, index) => [asked[index]!.ref, found]),
    ),
  };
}
