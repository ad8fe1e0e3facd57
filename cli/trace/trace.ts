/**
 * `parley trace`: would this connection, or this request on it, be allowed, and
 * by which rule?
 *
 * @module
 */
import {
  createPolicyStore,
  formatProblem,
  type ReadingOptions,
  type Source,
} from "../../policy/mod.ts";
import { escapeControls } from "../../policy/problem.ts";
import { type QueryOptions, readQuery } from "../../proxy/trace/query.ts";
import { asJson } from "../../proxy/trace/report.ts";
import {
  type Asked,
  fallbackOf,
  type Trace,
  trace as decide,
} from "../../proxy/trace/trace.ts";
import { WrongQuestion } from "../../proxy/trace/wrong_question.ts";
import { EXIT_FAILED, UsageError } from "../exit.ts";
import {
  catalogOf,
  findParser,
  type LoadedParsers,
  withParsers,
} from "../loaded_parsers.ts";
import { type PolicyOptions, readSetting } from "../policy_setting.ts";
import { readFields } from "./fields.ts";
import { asText } from "./report.ts";

/** What `--help` lists. */
export interface TraceOptions extends QueryOptions, PolicyOptions {
  readonly l7proto?: string;
  readonly l7?: readonly string[];
  readonly portable?: boolean;
  readonly json?: boolean;
}

/** Prints the answer; 0 if it may pass, 1 if denied or if the policy does not load. */
export async function trace(options: TraceOptions): Promise<number> {
  try {
    return await traceFiles(options);
  } catch (error) {
    if (!(error instanceof WrongQuestion)) throw error;
    throw new UsageError(`--${error.message}`); // it begins with an option
  }
}

async function traceFiles(options: TraceOptions): Promise<number> {
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
    const fallback = fallbackOf(setting.listeners, query);
    const asked = {
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

/** What is asked of files that were found good. */
export interface AskedFiles extends Omit<Asked, "policy"> {
  readonly sources: readonly Source[];
  readonly options: ReadingOptions;
}

/** Decides as the sidecar would. */
export async function answer(
  { sources, options, ...asked }: AskedFiles,
  parsers: LoadedParsers,
): Promise<Trace> {
  const store = createPolicyStore(
    catalogOf(parsers.status),
    [asked.query.subject],
    options,
  );
  store.update(sources);
  return await decide({ ...asked, policy: store.current }, {
    find: (name) => findParser(parsers.status, name),
    ask: (name, question) => parsers.ask(name, question),
  });
}
