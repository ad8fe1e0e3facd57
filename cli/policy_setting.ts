/**
 * What a command asks policies under: documents alone, or a configuration with
 * all that it says of them.
 *
 * @module
 */
import {
  createIdentities,
  formatProblem,
  type Identities,
  type ReadingOptions,
  type Source,
  type Subject,
} from "../policy/mod.ts";
import { type Config, parseConfig } from "../proxy/config/mod.ts";
import { dataConfig, readingOptions } from "../proxy/data_config.ts";
import { Cluster } from "../proxy/identities/cluster.ts";
import type { Mode } from "../proxy/matcher.ts";
import { readPolicyFiles } from "../proxy/policy_files.ts";
import { readPolicies } from "../proxy/standing_policies.ts";
import { subjectsOf } from "../proxy/workloads.ts";
import { UsageError } from "./exit.ts";
import { readFile } from "./files.ts";

/** The options that say where policies are. */
export interface PolicyOptions {
  readonly config?: string;
  /** In place of the configuration's own, where there is one. */
  readonly policy?: readonly string[];
  readonly folder: readonly string[];
  readonly nodes?: boolean;
}

/** A running sidecar would have the same. */
export interface PolicySetting {
  /** What the documents say, and the settings that are documents too. */
  readonly sources: readonly Source[];
  readonly options: ReadingOptions;
  /** Of parsers. */
  readonly folders: readonly string[];
  readonly mode: Mode;
  readonly identities: Identities;
  /** The guarded workloads; none without a configuration. */
  readonly workloads: readonly Subject[];
  readonly listeners: Config["listeners"];
}

/** Reads the setting; nothing if the configuration is wrong, which has then been said. */
export async function readSetting(
  options: PolicyOptions,
): Promise<PolicySetting | undefined> {
  const { config: file, policy, folder, nodes = false } = options;
  if (file !== undefined) return await ofConfiguration(file, options);
  if (policy === undefined) {
    throw new UsageError(
      "there is no policy to ask; give --policy FILE, or --config FILE",
    );
  }
  const sources = await readPolicyFiles(policy);
  if (sources.length === 0) throw noFile(policy);
  return {
    sources,
    options: { nodes },
    folders: folder,
    mode: "enforce",
    identities: createIdentities([]),
    workloads: [],
    listeners: [],
  };
}

async function ofConfiguration(
  file: string,
  { policy, folder, nodes = false }: PolicyOptions,
): Promise<PolicySetting | undefined> {
  const { config, problems } = parseConfig(file, await readFile(file));
  for (const problem of problems) console.error(formatProblem(problem));
  if (!config) return undefined;
  const policies = policy ?? config.policies;
  if (policy && (await readPolicyFiles(policy)).length === 0) {
    throw noFile(policy);
  }
  const options = readingOptions(config);
  return {
    sources: await readPolicies({ ...config, policies }),
    options: { ...options, nodes: nodes || options.nodes },
    folders: [...config.parsers.folders, ...folder],
    mode: config.mode,
    identities: await identitiesOf(config),
    workloads: subjectsOf(config),
    listeners: config.listeners,
  };
}

/** Of all sources, as far as they have said something. DNS is asked by the sidecar alone. */
async function identitiesOf(config: Config): Promise<Identities> {
  const cluster = new Cluster({
    now: Date.now,
    info: () => {},
    warn: (message) => console.error(`parley: ${message}`),
    changed: () => {},
  });
  try {
    await cluster.follow(config);
    const known = dataConfig(config, cluster.knowledge, "");
    return createIdentities(known.identities, known.cluster);
  } finally {
    await cluster.close();
  }
}

function noFile(paths: readonly string[]): UsageError {
  return new UsageError(
    `there is no policy file below ${
      paths.join(", ")
    }; name a *.yaml, *.yml or *.json file`,
  );
}
