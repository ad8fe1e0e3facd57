/**
 * `parley trace`: would this connection, or this request on it, be allowed, and
 * by which rule?
 *
 * The answer comes from the code that judges traffic: `resolve` of the compiled
 * policy and `createJudge`. The account of the rules stands beside it.
 *
 * @module
 */
import type { Decision, Fields } from "../../proxylib/mod.ts";
import {
  type Access,
  type CompiledPolicy,
  createPolicyStore,
  type Explanation,
  formatProblem,
  type Query,
} from "../../policy/mod.ts";
import { type Coverage, coverage, createJudge } from "../../proxy/matcher.ts";
import { readPolicyFiles } from "../../proxy/policy_files.ts";
import { createCatalog } from "../../proxy/registry/catalog.ts";
import type {
  LoadedParser,
  ParserRegistry,
} from "../../proxy/registry/registry.ts";
import { EXIT_FAILED, UsageError } from "../exit.ts";
import { findParser, withParsers } from "../registry.ts";
import { type QueryOptions, readQuery } from "./query.ts";
import { asJson, asText } from "./report.ts";
import {
  describedRequest,
  type Given,
  orPanic,
  readFields,
} from "./request.ts";

/** What `--help` lists. */
export interface TraceOptions extends QueryOptions {
  readonly policy: readonly string[];
  readonly l7proto?: string;
  readonly l7?: readonly string[];
  readonly folder: readonly string[];
  readonly json?: boolean;
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
  readonly verdict: "allowed" | "denied";
  readonly query: Query;
  readonly access: Access;
  readonly explanation: Explanation;
  /** The parser that would read the bytes. */
  readonly proto?: string;
  readonly request?: TracedRequest;
}

/** Prints the answer; 0 if allowed, 1 if denied or if the policy does not load. */
export async function trace(options: TraceOptions): Promise<number> {
  const query = readQuery(options);
  const given = options.l7 && readFields(options.l7);
  return await withParsers(options.folder, async (registry) => {
    const policy = await loadPolicy(options.policy, query, registry);
    if (policy === undefined) return EXIT_FAILED;
    const traced = answer(policy, query, registry, options.l7proto, given);
    if (options.json) {
      console.log(JSON.stringify(asJson(traced), null, 2));
    } else {
      const colour = Deno.stdout.isTerminal() && !Deno.noColor;
      for (const line of asText(traced, colour)) console.log(line);
    }
    return traced.verdict === "allowed" ? 0 : EXIT_FAILED;
  });
}

/** The policy of all files; nothing if any of it is wrong, which has then been said. */
async function loadPolicy(
  paths: readonly string[],
  { subject }: Query,
  registry: ParserRegistry,
): Promise<CompiledPolicy | undefined> {
  const sources = await readPolicyFiles(paths);
  if (sources.length === 0) {
    throw new UsageError(
      `there is no policy file below ${
        paths.join(", ")
      }; name a *.yaml, *.yml or *.json file`,
    );
  }
  const store = createPolicyStore(createCatalog(registry), [subject]);
  const { problems } = store.update(sources);
  for (const problem of problems) console.error(formatProblem(problem));
  const isWrong = problems.some(({ severity }) => severity === "error");
  return isWrong || store.refused ? undefined : store.current;
}

/** Decides as the sidecar would. */
function answer(
  policy: CompiledPolicy,
  query: Query,
  registry: ParserRegistry,
  l7proto: string | undefined,
  given: Given | undefined,
): Trace {
  const access = policy.resolve(query);
  const explanation = policy.explain(query);
  const proto = protocolOf(explanation, query, l7proto, given);
  const parser = l7proto === undefined && given === undefined
    ? undefined
    : findParser(registry, proto!);
  const request = given && parser && traceRequest(
    parser,
    access,
    explanation,
    given,
  );
  const isAllowed = access.verdict === "allowed" &&
    (request?.decision?.allowed ?? true);
  return {
    verdict: isAllowed ? "allowed" : "denied",
    query,
    access,
    explanation,
    ...(proto === undefined ? {} : { proto }),
    ...(request === undefined ? {} : { request }),
  };
}

/** The policy's protocol for the port, or that of the command line when it names none. */
function protocolOf(
  { protos }: Explanation,
  { port }: Query,
  l7proto: string | undefined,
  given: Given | undefined,
): string | undefined {
  if (l7proto !== undefined) {
    if (protos.length === 0 || protos.includes(l7proto)) return l7proto;
    throw new UsageError(
      `--l7proto ${l7proto} is not what the policy reads port ${port} as: that is ${
        protos.join(" and ")
      }; leave --l7proto out, or mend the policy`,
    );
  }
  const [proto, second] = protos;
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

function traceRequest(
  parser: LoadedParser,
  access: Access,
  { rules }: Explanation,
  given: Given,
): TracedRequest {
  const { name, definition } = parser;
  const { request, fields } = describedRequest(parser, given);
  if (access.verdict === "denied") {
    return { proto: name, fields, coverage: new Map() };
  }
  const decision = orPanic(
    name,
    () => createJudge(definition, access, "enforce")(request),
  );
  const asked = rules.flatMap(({ entries }) => entries)
    .filter(({ applies }) => applies)
    .flatMap(({ l7 }) => l7?.rules ?? []);
  const covered = asked.map((rule) => {
    const found = orPanic(name, () => coverage(definition, rule, request));
    return [rule.ref, found] as const;
  });
  return { proto: name, fields, decision, coverage: new Map(covered) };
}
