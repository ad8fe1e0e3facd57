/**
 * The guarded workloads of a configuration.
 *
 * @module
 */
import { formatPrefix, hostPrefix, parseAddress } from "../policy/cidr.ts";
import { endpointLabels } from "../policy/identity.ts";
import type { Subject } from "../policy/model.ts";
import type { ClusterConfig, Config, EndpointConfig } from "./config/mod.ts";
import type { DataConfig } from "./data_config.ts";

/** The guarded workloads: one, or one for each of their addresses. */
export class Workloads {
  readonly #only: Subject | undefined;
  readonly #byAddress = new Map<string, Subject>();

  constructor({ endpoint, endpoints, cluster }: DataConfig) {
    if (!endpoints) {
      this.#only = subjectOf(endpoint, cluster);
      return;
    }
    for (const each of endpoints) {
      const subject = subjectOf(each, cluster);
      for (const address of each.addresses) {
        this.#byAddress.set(canonical(address), subject);
      }
    }
  }

  of({ hostname }: { readonly hostname: string }): Subject | undefined {
    return this.#only ?? this.#byAddress.get(canonical(hostname));
  }
}

/** All guarded workloads of a configuration. */
export function subjectsOf(
  { endpoint, endpoints, cluster }: Pick<
    Config,
    "endpoint" | "endpoints" | "cluster"
  >,
): Subject[] {
  return (endpoints ?? [endpoint]).map((each) => subjectOf(each, cluster));
}

function subjectOf(
  { labels, namespace, ports }: EndpointConfig,
  { name }: Pick<ClusterConfig, "name">,
): Subject {
  return {
    labels: endpointLabels(labels, namespace, name),
    ...(ports === undefined ? {} : { ports }),
  };
}

/** One text for all spellings of an address. */
function canonical(address: string): string {
  const parsed = parseAddress(address);
  return parsed ? formatPrefix(hostPrefix(parsed)) : address;
}
