/**
 * `parley trace`: would this connection, or this request on it, be allowed, and
 * by which rule?
 *
 * The answer comes from the code that judges traffic: `resolve` of the compiled
 * policy here, `createJudge` where the parser is loaded. The account of the
 * rules stands beside it.
 *
 * @module
 */
import { type Decision, type Fields, ParleyError } from "../../proxylib/mod.ts";
import {
  type Access,
  createPolicyStore,
  type Explanation,
  formatProblem,
  type Query,
  type ReadingOptions,
  type Source,
} from "../../policy/mod.ts";
import { escapeControls } from "../../policy/problem.ts";
import { type Coverage, isAudited, type Mode } from "../../proxy/matcher.ts";
import { EXIT_FAILED, UsageError } from "../exit.ts";
import {
  catalogOf,
  findParser,
  type LoadedParsers,
  withParsers,
} from "../loaded_parsers.ts";
import {
  type PolicyOptions,
  type PolicySetting,
  readSetting,
} from "../policy_setting.ts";
import { type Given, readFields } from "./fields.ts";
import { type QueryOptions, readQuery } from "./query.ts";
import { asJson, asText } from "./report.ts";

/** What `--help` lists. */
export interface TraceOptions extends QueryOptions, PolicyOptions {
  readonly l7proto?: string;
  readonly l7?: readonly string[];
  readonly portable?: boolean;
  readonly json?: boolean;
}

/** What is asked, under what. */
export interface Asked {
  readonly sources: readonly Source[];
  readonly query: Query;
  readonly options: ReadingOptions;
  readonly mode: Mode;
  /** The parser that was named for the port; and that of the listener, where nobody names one. */
  readonly l7proto?: string | undefined;
  readonly fallback?: string | undefined;
  /** Fields of a request. */
  readonly given?: Given | undefined;
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

/** Prints the answer; 0 if it may pass, 1 if denied or if the policy does not load. */
export async function trace(options: TraceOptions): Promise<number> {
  const { portable, json, l7proto } = options;
  const given = options.l7 && readFields(options.l7);
  const setting = await readSetting(options);
  if (!setting) return EXIT_FAILED;
  const { identities, workloads, options: { cluster } } = setting;
  const query = readQuery(options, { identities, workloads, cluster });
  const { sources, folders, mode } = setting;
  const wanted = {
    folders,
    portable,
    sources,
    subjects: [query.subject],
    options: setting.options,
  };
  return await withParsers(wanted, async (parsers) => {
    const { problems, refused } = parsers.policy;
    for (const problem of problems) {
      if (problem.severity !== "note") console.error(formatProblem(problem));
    }
    const isWrong = problems.some(({ severity }) => severity === "error");
    if (isWrong || refused) {
      // That may be why: what rules name a parser that is not there.
      for (const { refused } of parsers.status) {
        if (refused) console.error(escapeControls(`parley: ${refused}`));
      }
      return EXIT_FAILED;
    }
    const fallback = fallbackOf(setting, query);
    const asked: Asked = {
      sources,
      query,
      options: setting.options,
      mode,
      l7proto,
      fallback,
      given,
    };
    const traced = await answer(asked, parsers);
    if (json) {
      console.log(JSON.stringify(asJson(traced), null, 2));
    } else {
      const colour = Deno.stdout.isTerminal() && !Deno.noColor;
      for (const line of asText(traced, colour)) console.log(line);
    }
    return traced.verdict === "denied" ? EXIT_FAILED : 0;
  });
}

/** What the bytes are read as where no policy says it. */
function fallbackOf(
  { listeners }: PolicySetting,
  { direction, port }: Query,
): string | undefined {
  return listeners.find((listener) =>
    listener.direction === direction &&
    (listener.port === undefined || listener.port === port)
  )?.l7proto;
}

/** Decides as the sidecar would, by files that were found good. */
export async function answer(
  asked: Asked,
  parsers: LoadedParsers,
): Promise<Trace> {
  const { sources, query, options, mode, l7proto, given } = asked;
  const store = createPolicyStore(
    catalogOf(parsers.status),
    [query.subject],
    options,
  );
  store.update(sources);
  const access = store.current.resolve(query);
  const explanation = store.current.explain(query);
  const proto = protocolOf(explanation, asked);
  if (l7proto !== undefined || given !== undefined) {
    findParser(parsers.status, proto!);
  }
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

/** The policy's protocol for the port, or that of the command line or the listener when it names none. */
function protocolOf(
  { protos }: Explanation,
  { query: { port }, l7proto, fallback, given }: Asked,
): string | undefined {
  if (l7proto !== undefined) {
    if (protos.length === 0 || protos.includes(l7proto)) return l7proto;
    throw new UsageError(
      `--l7proto ${l7proto} is not what the policy reads port ${port} as: that is ${
        protos.join(" and ")
      }; leave --l7proto out, or mend the policy`,
    );
  }
  const [proto = fallback, second] = protos;
  if (given === undefined) return proto;
  if (proto !== undefined && second === undefined) return proto;
  throw new UsageError(
    proto === undefined
      ? `no rule names a parser for port ${port}, so the fields of --l7 mean nothing yet; give --l7proto`
      : `the rules name ${
        protos.join(" and ")
      } for port ${port}; say with --l7proto which one the fields are of`,
  );
}

async function traceRequest(
  parsers: LoadedParsers,
  proto: string,
  access: Access,
  { rules }: Explanation,
  mode: Mode,
  given: Given,
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
  if ("wrong" in answer) throw new UsageError(answer.wrong);
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
