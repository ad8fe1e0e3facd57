/**
 * `parley check`: validates configuration and policy files.
 *
 * @module
 */
import { ParleyError } from "../proxylib/mod.ts";
import {
  type CompiledPolicy,
  createPolicyStore,
  endpointLabels,
  formatProblem,
  type Problem,
  type Source,
  type Subject,
} from "../policy/mod.ts";
import { formatPath, nearMiss, oneOf, quote } from "../policy/problem.ts";
import { parseYaml } from "../policy/yaml.ts";
import { type Config, parseConfig } from "../proxy/config/mod.ts";
import { readPolicyFiles } from "../proxy/policy_files.ts";
import { unguarded } from "../proxy/sidecar.ts";
import { createCatalog } from "../proxy/registry/catalog.ts";
import { EXIT_FAILED } from "./exit.ts";
import { withParsers } from "./registry.ts";

/** Prints every problem; 0 if none is an error. */
export async function check(
  files: readonly string[],
  { json = false }: { json?: boolean },
): Promise<number> {
  const sources = await readPolicyFiles(files);
  const configs = sources.filter(isConfig);
  const policies = sources.filter((source) => !isConfig(source));
  const problems: Problem[] = [];
  for (const source of configs) problems.push(...await checkConfig(source));
  if (policies.length > 0) {
    problems.push(...await checkPolicies(policies, [], []));
  }
  return report(problems, sources.length, json);
}

/** A configuration, and the policies and parsers that it names. */
async function checkConfig(source: Source): Promise<Problem[]> {
  const { config, problems } = parseConfig(source.file, source.text);
  if (!config) return [...problems];
  const { labels, namespace } = config.endpoint;
  const subject = { labels: endpointLabels(labels, namespace) };
  const { folders } = config.parsers;
  const unreadable = await checkPaths(source, config);
  const readable = config.policies.filter((_, index) =>
    !unreadable.some(({ path }) => path === formatPath(["policies", index]))
  );
  const policies = await readPolicyFiles(readable);
  return [
    ...problems,
    ...await checkListeners(source, config),
    ...unreadable,
    ...await checkPolicies(
      policies,
      folders,
      [subject],
      (policy) => checkGuards(source, config, subject, policy),
    ),
  ];
}

/** Whether the policies are about this workload at all. */
function checkGuards(
  source: Source,
  { listeners, policies }: Config,
  subject: Subject,
  policy: CompiledPolicy,
): Problem[] {
  if (policies.length === 0) return [];
  return listeners.flatMap(({ name, direction }, index) => {
    if (policy.guards(subject, direction)) return [];
    return [{
      ...problemAt(source, ["listeners", index], {
        code: "policy.selects-nobody",
        ...unguarded(name, direction, subject),
      }),
      severity: "warning",
    }];
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

function checkListeners(source: Source, config: Config): Promise<Problem[]> {
  return withParsers(config.parsers.folders, (registry) => {
    const { names, has } = createCatalog(registry);
    return config.listeners.flatMap(({ l7proto }, index) => {
      if (l7proto === undefined || has(l7proto)) return [];
      const refused = registry.status().find(({ name }) => name === l7proto)
        ?.refused;
      return problemAt(source, ["listeners", index, "l7proto"], {
        code: "l7.unknown-proto",
        message: refused ?? `no parser is named ${quote(l7proto)}`,
        mend: nearMiss(l7proto, names()) ?? `use ${oneOf(names())}`,
      });
    });
  });
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

function checkPolicies(
  sources: readonly Source[],
  folders: readonly string[],
  subjects: readonly Subject[],
  further: (policy: CompiledPolicy) => readonly Problem[] = () => [],
): Promise<readonly Problem[]> {
  return withParsers(folders, (registry) => {
    const store = createPolicyStore(createCatalog(registry), subjects);
    const { problems } = store.update(sources);
    return [...problems, ...further(store.current)];
  });
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
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (json) {
    console.log(JSON.stringify(problems, null, 2));
  } else {
    for (const problem of problems) console.log(formatProblem(problem));
    console.log(
      `${files} files, ${errors} errors, ${problems.length - errors} warnings`,
    );
  }
  return errors > 0 ? EXIT_FAILED : 0;
}
