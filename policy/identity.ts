/**
 * Who an address is, by all that is known of the cluster.
 *
 * @module
 */
import {
  type Address,
  hostPrefix,
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixAround,
} from "./cidr.ts";
import {
  CLUSTER_KEY,
  formatLabel,
  type LabelKey,
  NAMESPACE_KEY,
  parseLabel,
} from "./labels.ts";
import type { NamedPort, Peer } from "./model.ts";
import { createServices, type ServiceEntry } from "./service.ts";

/** Addresses and the labels of who is there. */
export interface IdentityEntry {
  /** An address or a prefix. */
  readonly cidr: string;
  /** Keys are of source `k8s` unless a source is written (`reserved:host`). */
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
  /** Names that it gives its ports. */
  readonly ports?: readonly NamedPort[];
}

/** What is known beside the entries. */
export interface Surroundings {
  readonly services?: readonly ServiceEntry[];
  /** Prefixes of the cluster's workloads: an address there that no entry lists is `reserved:unmanaged`. */
  readonly podCidrs?: readonly string[];
  /** The cluster's name: workloads that say nothing else are of it. */
  readonly name?: string;
  /** The DNS names that lead to an address now. */
  namesOf?(address: string): readonly string[];
}

export interface Identities {
  /** The peer at an address; one that no entry lists is `reserved:world`, or `reserved:unmanaged`. */
  peerOf(address: string): Peer;
}

const WORLD: readonly string[] = Object.freeze(["reserved:world"]);
const UNMANAGED: readonly string[] = Object.freeze(["reserved:unmanaged"]);

/**
 * Looks addresses up among `entries`: the longest prefix wins, and of equal
 * ones the first.
 *
 * An entry whose `cidr` is neither an address nor a prefix throws `TypeError`:
 * whoever lists entries has checked them.
 */
export function createIdentities(
  entries: readonly IdentityEntry[],
  { services = [], podCidrs = [], name, namesOf }: Surroundings = {},
): Identities {
  const known = new PrefixTable<Known>();
  for (const { cidr, labels, namespace, ports } of entries) {
    known.add(prefixOf(cidr), {
      labels: endpointLabels(labels, namespace, name),
      ...(ports === undefined ? {} : { ports }),
    });
  }
  const pods = new PrefixTable<true>();
  for (const cidr of podCidrs) pods.add(prefixOf(cidr), true);
  const all = createServices(services);

  function strangerAt(address: string): Peer {
    const names = namesOf?.(address) ?? [];
    const services = all.ofAddress(address);
    return {
      address,
      labels: WORLD,
      ...(names.length === 0 ? {} : { names }),
      ...(services.length === 0 ? {} : { services }),
    };
  }
  return {
    peerOf(address) {
      const zone = address.indexOf("%");
      const parsed = parseAddress(zone < 0 ? address : address.slice(0, zone));
      if (parsed === undefined) return { address, labels: WORLD };
      const found = known.find(parsed);
      if (found === undefined) {
        return pods.find(parsed)
          ? { address, labels: UNMANAGED }
          : strangerAt(address);
      }
      const { labels, ports } = found;
      // Asked for once: entries are many, and few of them connect.
      found.services ??= all.ofLabels(labels);
      return {
        address,
        labels,
        ...(found.services.length === 0 ? {} : { services: found.services }),
        ...(ports === undefined ? {} : { ports }),
      };
    },
  };
}

/** An entry as peers are made of it. */
interface Known extends Pick<Peer, "labels" | "ports"> {
  services?: NonNullable<Peer["services"]>;
}

/**
 * Values by prefix. One table for each length: a look-up costs as many steps as
 * there are lengths, however many prefixes.
 */
class PrefixTable<T> {
  readonly #tables = new Map<number, Map<string, T>>();
  #lengths: number[] = [];

  /** The first value of a prefix stays. */
  add(prefix: Prefix, value: T): void {
    let table = this.#tables.get(prefix.length);
    if (table === undefined) {
      table = new Map();
      this.#tables.set(prefix.length, table);
      this.#lengths = [...this.#tables.keys()].sort((a, b) => b - a);
    }
    const key = keyOf(prefix);
    if (!table.has(key)) table.set(key, value);
  }

  /** The value of the longest prefix around an address. */
  find(address: Address): T | undefined {
    for (const length of this.#lengths) {
      const prefix = prefixAround(address, length);
      if (prefix === undefined) continue;
      const value = this.#tables.get(length)!.get(keyOf(prefix));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/**
 * The labels of a workload in a namespace, sorted, with their sources. Where
 * the cluster has a name, a workload that names none is of it.
 *
 * A reserved identity (`reserved:host`) is not in a namespace: were it given
 * one, a peer selector `{}` would select it as a pod.
 */
export function endpointLabels(
  labels: Readonly<Record<string, string>>,
  namespace: string,
  cluster?: string,
): readonly string[] {
  const all = Object.entries(labels).map(([key, value]) => {
    return { ...parseLabel(key), value };
  }).filter((label) => !isNamespace(label)); // the argument says it
  if (!all.some((label) => label.source === "reserved")) {
    all.push({ source: "k8s", key: NAMESPACE_KEY, value: namespace });
    const isNamed = all.some(({ source, key }) =>
      source === "k8s" && key === CLUSTER_KEY
    );
    if (cluster !== undefined && !isNamed) {
      all.push({ source: "k8s", key: CLUSTER_KEY, value: cluster });
    }
  }
  return Object.freeze([...new Set(all.map(formatLabel))].sort());
}

function isNamespace({ source, key }: LabelKey): boolean {
  return source === "k8s" && key === NAMESPACE_KEY;
}

function keyOf({ family, bits }: Prefix): string {
  return `${family}/${bits}`;
}

function prefixOf(cidr: string): Prefix {
  const address = parseAddress(cidr);
  const prefix = address === undefined
    ? parsePrefix(cidr)
    : hostPrefix(address);
  if (prefix === undefined) {
    throw new TypeError(
      `Cannot read the identity's cidr: expected an IP address or a prefix, current value is "${cidr}"`,
    );
  }
  return prefix;
}
