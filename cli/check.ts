/**
 * `parley check`: validates configuration and policy files.
 *
 * @module
 */
import { parseAllDocuments } from "yaml";
import {
  createPolicyStore,
  endpointLabels,
  formatProblem,
  type Problem,
  type Source,
  type Subject,
} from "../policy/mod.ts";
import { type Config, parseConfig } from "../proxy/config/mod.ts";
import { readPolicyFiles } from "../proxy/policy_files.ts";
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
async function checkConfig({ file, text }: Source): Promise<Problem[]> {
  const { config, problems } = parseConfig(file, text);
  if (!config) return [...problems];
  const { labels, namespace } = config.endpoint;
  const subject = { labels: endpointLabels(labels, namespace) };
  const { folders } = config.parsers;
  return [
    ...problems,
    ...await checkListeners(file, config),
    ...await checkPolicies(await readPolicyFiles(config.policies), folders, [
      subject,
    ]),
  ];
}

async function checkListeners(
  file: string,
  config: Config,
): Promise<Problem[]> {
  const names = await withParsers(
    config.parsers.folders,
    (registry) => registry.names(),
  );
  return config.listeners.flatMap(({ l7proto }, index) =>
    l7proto === undefined || names.includes(l7proto) ? [] : [{
      severity: "error",
      code: "l7.unknown-proto",
      file,
      line: 1,
      column: 1,
      path: `listeners[${index}].l7proto`,
      message: `no parser is named ${JSON.stringify(l7proto)}`,
      mend: `use one of ${names.join(", ")}`,
    }]
  );
}

function checkPolicies(
  sources: readonly Source[],
  folders: readonly string[],
  subjects: readonly Subject[],
): Promise<readonly Problem[]> {
  return withParsers(
    folders,
    (registry) =>
      createPolicyStore(createCatalog(registry), subjects).update(sources)
        .problems,
  );
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

function isConfig({ text }: Source): boolean {
  const first = parseAllDocuments(text)[0]?.toJS({ maxAliasCount: 100 });
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
