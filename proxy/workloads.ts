/**
 * The guarded workloads of a configuration.
 *
 * @module
 */
import { formatPrefix, hostPrefix, parseAddress } from "../policy/cidr.ts";
import { endpointLabels } from "../policy/identity.ts";
import type { Subject } from "../policy/model.ts";
import type { Config, EndpointConfig } from "./config/mod.ts";
import type { DataConfig } from "./data_config.ts";

/** The guarded workloads: one, or one for each of their addresses. */
export class Workloads {
  readonly #only: Subject | undefined;
  readonly #byAddress = new Map<string, Subject>();

  constructor({ endpoint, endpoints }: DataConfig) {
    if (!endpoints) {
      this.#only = subjectOf(endpoint);
      return;
    }
    for (const each of endpoints) {
      const subject = subjectOf(each);
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
  { endpoint, endpoints }: Pick<Config, "endpoint" | "endpoints">,
): Subject[] {
  return (endpoints ?? [endpoint]).map(subjectOf);
}

function subjectOf({ labels, namespace, ports }: EndpointConfig): Subject {
  return {
    labels: endpointLabels(labels, namespace),
    ...(ports === undefined ? {} : { ports }),
  };
}

/** One text for all spellings of an address. */
function canonical(address: string): string {
  const parsed = parseAddress(address);
  return parsed ? formatPrefix(hostPrefix(parsed)) : address;
}
