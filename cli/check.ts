/**
 * `parley check`: validates configuration and policy files.
 *
 * @module
 */
import { ParleyError } from "../proxylib/mod.ts";
import { formatProblem, type Problem, type Source } from "../policy/mod.ts";
import { formatPath, nearMiss, oneOf, quote } from "../policy/problem.ts";
import { parseYaml } from "../policy/yaml.ts";
import { type Config, parseConfig } from "../proxy/config/mod.ts";
import { readPolicyFiles } from "../proxy/policy_files.ts";
import { policyPaths, readPolicies } from "../proxy/standing_policies.ts";
import { readingOptions } from "../proxy/data_config.ts";
import { subjectsOf } from "../proxy/workloads.ts";
import type { ParserStatus } from "../proxy/registry/registry.ts";
import type { Unguarded } from "../proxy/unguarded.ts";
import { EXIT_FAILED } from "./exit.ts";
import { withParsers } from "./loaded_parsers.ts";

/** What `--help` lists. */
export interface CheckOptions {
  readonly json?: boolean;
  readonly portable?: boolean;
}

/** Prints every problem; 0 if none is an error. */
export async function check(
  files: readonly string[],
  { json = false, portable }: CheckOptions,
): Promise<number> {
  const sources = await readPolicyFiles(files);
  const configs = sources.filter(isConfig);
  const policies = sources.filter((source) => !isConfig(source));
  const problems: Problem[] = [];
  for (const source of configs) {
    problems.push(...await checkConfig(source, portable));
  }
  if (policies.length > 0) {
    const wanted = { folders: [], portable, sources: policies };
    problems.push(
      ...await withParsers(
        wanted,
        ({ policy }) => Promise.resolve(policy.problems),
      ),
    );
  }
  return report(problems, sources.length, json);
}

/** A configuration, and the policies and parsers that it names. */
async function checkConfig(
  source: Source,
  portable: boolean | undefined,
): Promise<Problem[]> {
  const { config, problems } = parseConfig(source.file, source.text);
  if (!config) return [...problems];
  const unreadable = await checkPaths(source, config);
  const readable = config.policies.filter((_, index) =>
    !unreadable.some(({ path }) => path === formatPath(["policies", index]))
  );
  const wanted = {
    folders: config.parsers.folders,
    portable,
    sources: await writtenPolicies({
      ...config,
      policies: readable,
      admin: await keptPolicies(config),
    }),
    subjects: subjectsOf(config),
    options: readingOptions(config),
    listeners: config.listeners.map(({ name, direction }) => {
      return { name, direction };
    }),
  };
  return await withParsers(
    wanted,
    ({ status, policy, unguarded }) =>
      Promise.resolve([
        ...problems,
        ...checkParsers(source, config, status),
        ...unreadable,
        ...policy.problems,
        ...checkGuards(source, config, unguarded),
      ]),
  );
}

/** All documents: wrong ones are wrong even while nothing is enforced. */
function writtenPolicies(config: Config): Promise<Source[]> {
  return config.enforcement === "never"
    ? readPolicyFiles(policyPaths(config))
    : readPolicies(config);
}

/** The folder of policies that are put in is made when a sidecar starts. */
async function keptPolicies({ admin }: Config): Promise<Config["admin"]> {
  const { policies, ...rest } = admin;
  const there = policies && await Deno.stat(policies).catch(() => undefined);
  return there ? admin : rest;
}

/** Whether the policies are about this workload at all. */
function checkGuards(
  source: Source,
  config: Config,
  unguarded: readonly Unguarded[],
): Problem[] {
  if (config.policies.length === 0) return [];
  if (config.enforcement === "never") {
    const problem = problemAt(source, ["enforcement"], {
      code: "config.enforcement-never",
      message: "no policy is read, so everything passes",
      mend: "write default or always to have the policies enforced",
    });
    return [{ ...problem, severity: "warning" }];
  }
  return unguarded.map(({ listener, message, mend }) => {
    const index = config.listeners.findIndex(({ name }) => name === listener);
    const problem = problemAt(source, ["listeners", index], {
      code: "policy.selects-nobody",
      message,
      mend,
    });
    return { ...problem, severity: "warning" };
  });
}

/** Whether every policy path can be read. */
async function checkPaths(source: Source, config: Config): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [index, path] of config.policies.entries()) {
    try {
      await readPolicyFiles([path]);
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      const { where, found, mend } = error.fault;
      const message = `${quote(where)} cannot be read: ${found}`;
      problems.push(
        problemAt(source, ["policies", index], {
          code: "config.unreadable",
          message,
          mend,
        }),
      );
    }
  }
  return problems;
}

/** Whether the parsers load; that of a listener must. */
function checkParsers(
  source: Source,
  config: Config,
  parsers: readonly ParserStatus[],
): Problem[] {
  const names = parsers.filter(({ version }) => version !== undefined)
    .map(({ name }) => name);
  const named = new Set(config.listeners.map(({ l7proto }) => l7proto));
  const others = parsers.flatMap(({ name, refused }): Problem[] => {
    if (refused === undefined || named.has(name)) return [];
    const problem = problemAt(source, ["parsers", "folders"], {
      code: "parser.refused",
      message: refused,
      mend: "without it, no listener and no rule can name it",
    });
    return [{ ...problem, severity: "warning" }];
  });
  const missing = config.listeners.flatMap(({ l7proto }, index) => {
    if (l7proto === undefined || names.includes(l7proto)) return [];
    const refused = parsers.find(({ name }) => name === l7proto)?.refused;
    return problemAt(source, ["listeners", index, "l7proto"], {
      code: "l7.unknown-proto",
      message: refused ?? `no parser is named ${quote(l7proto)}`,
      mend: refused === undefined
        ? nearMiss(l7proto, names) ?? `use ${oneOf(names)}`
        : "correct the parser",
    });
  });
  return [...missing, ...others];
}

/** An error of a configuration, where it is written. */
function problemAt(
  { file, text }: Source,
  path: readonly (string | number)[],
  fault: Pick<Problem, "code" | "message" | "mend">,
): Problem {
  const position = parseYaml(file, text).documents[0]?.valueAt(path) ??
    { line: 1, column: 1 };
  return {
    severity: "error",
    file,
    ...position,
    path: formatPath(path),
    ...fault,
  };
}

/** Keys of a policy document; a configuration has none of them. */
const POLICY_KEYS = [
  "apiVersion",
  "kind",
  "metadata",
  "spec",
  "specs",
  "items",
];

function isConfig({ file, text }: Source): boolean {
  const first = parseYaml(file, text).documents[0]?.value;
  return typeof first === "object" && first !== null && !Array.isArray(first) &&
    !POLICY_KEYS.some((key) => key in first);
}

function report(
  problems: readonly Problem[],
  files: number,
  json: boolean,
): number {
  const count = (wanted: Problem["severity"]) =>
    problems.filter(({ severity }) => severity === wanted).length;
  const errors = count("error");
  if (json) {
    console.log(JSON.stringify(problems, null, 2));
  } else {
    for (const problem of problems) console.log(formatProblem(problem));
    console.log(
      `${files} files, ${errors} errors, ${count("warning")} warnings`,
    );
  }
  return errors > 0 ? EXIT_FAILED : 0;
}
