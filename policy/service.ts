/**
 * Services, and who is behind them (policy semantics, section 4).
 *
 * @module
 */
import { formatPrefix, hostPrefix, parseAddress } from "./cidr.ts";
import {
  formatLabel,
  NAMESPACE_KEY,
  parseLabel,
  parseLabels,
} from "./labels.ts";
import type { Service } from "./model.ts";

/** A service, and where it leads. */
export interface ServiceEntry {
  readonly name: string;
  readonly namespace: string;
  /** Of the service itself. */
  readonly labels: Readonly<Record<string, string>>;
  /** The workloads of its namespace with these labels; nobody when it is empty. */
  readonly selector?: Readonly<Record<string, string>>;
  /** Without a selector: addresses outside the cluster. */
  readonly addresses?: readonly string[];
}

/** Finds the services that a peer is behind. */
export interface Services {
  /** Of a workload. */
  ofLabels(labels: readonly string[]): readonly Service[];
  /** Of an address that has no identity. */
  ofAddress(address: string): readonly Service[];
}

const NONE: readonly Service[] = Object.freeze([]);

export function createServices(entries: readonly ServiceEntry[]): Services {
  const byNamespace = new Map<string, [ServiceEntry, Service][]>();
  const byAddress = new Map<string, Service[]>();
  for (const entry of entries) {
    const { name, namespace, labels } = entry;
    const service: Service = {
      name,
      namespace,
      labels: Object.freeze(
        Object.entries(labels)
          .map(([key, value]) => formatLabel({ ...parseLabel(key), value }))
          .sort(),
      ),
    };
    if (hasSelector(entry)) {
      const known = byNamespace.get(namespace) ?? [];
      known.push([entry, service]);
      byNamespace.set(namespace, known);
      continue;
    }
    for (const address of entry.addresses ?? []) {
      const key = canonical(address);
      byAddress.set(key, [...byAddress.get(key) ?? [], service]);
    }
  }
  return {
    ofLabels(labels) {
      const own = parseLabels(labels);
      const has = (key: string, value: string) =>
        own.some((label) =>
          label.source === "k8s" && label.key === key && label.value === value
        );
      const namespace = own.find(({ key }) => key === NAMESPACE_KEY)?.value;
      const found = (byNamespace.get(namespace ?? "") ?? [])
        .filter(([{ selector }]) => {
          return Object.entries(selector!)
            .every(([key, value]) => has(key, value));
        });
      return found.length === 0 ? NONE : found.map(([, service]) => service);
    },
    ofAddress: (address) => byAddress.get(canonical(address)) ?? NONE,
  };
}

/** As in Kubernetes, a service whose selector is empty has none. */
function hasSelector({ selector }: ServiceEntry): boolean {
  return selector !== undefined && Object.keys(selector).length > 0;
}

/** One text for all spellings of an address. */
function canonical(address: string): string {
  const parsed = parseAddress(address);
  return parsed === undefined ? address : formatPrefix(hostPrefix(parsed));
}
