/**
 * What the data path follows of the configuration. Apart from the engine, so
 * that who only hands it over loads no parser library.
 *
 * @module
 */
import type { ReadingOptions } from "../policy/mod.ts";
import type { Knowledge } from "../policy/identity_source.ts";
import type { HashedFields } from "./accesslog/hashed_fields.ts";
import type { Config } from "./config/mod.ts";

/** The parts of the configuration that the data path follows. */
export type DataConfig =
  & Pick<
    Config,
    "endpoint" | "endpoints" | "identities" | "cluster" | "mode" | "limits"
  >
  & {
    /** Whether replies are logged too. */
    readonly logResponses: boolean;
    /** Fields of log lines that are hashed. */
    readonly hashed?: HashedFields;
  };

/** What the data path follows. `hashSecret`: see `HashedFields`. */
export function dataConfig(
  config: Config,
  { identities, services, podCidrs = [] }: Knowledge,
  hashSecret: string,
): DataConfig {
  const { endpoint, endpoints, cluster, mode, limits, accessLog } = config;
  return {
    endpoint,
    ...(endpoints ? { endpoints } : {}),
    identities,
    cluster: {
      ...cluster,
      services,
      podCidrs: [...cluster.podCidrs, ...podCidrs],
    },
    mode,
    limits,
    logResponses: accessLog.responses,
    ...(accessLog.hash.length === 0
      ? {}
      : { hashed: { names: accessLog.hash, secret: hashSecret } }),
  };
}

/** How a configuration has policies read. */
export function readingOptions(
  { cluster: { nodes, name }, dns }: Pick<Config, "cluster" | "dns">,
): ReadingOptions {
  const answersDns = dns?.listen !== undefined;
  return {
    nodes,
    ...(name === undefined ? {} : { cluster: name }),
    looksUp: dns !== undefined && !answersDns,
    answersDns,
  };
}
