/**
 * Who an address is: the static identities of the configuration.
 *
 * @module
 */
import {
  hostPrefix,
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixAround,
} from "./cidr.ts";
import {
  formatLabel,
  type LabelKey,
  NAMESPACE_KEY,
  parseLabel,
} from "./labels.ts";
import type { Peer } from "./model.ts";

/** Addresses and the labels of who is there. */
export interface IdentityEntry {
  /** An address or a prefix. */
  readonly cidr: string;
  /** Keys are of source `k8s` unless a source is written (`reserved:host`). */
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
}

export interface Identities {
  /** The peer at an address; one that no entry lists is `reserved:world`. */
  peerOf(address: string): Peer;
}

const WORLD: readonly string[] = Object.freeze(["reserved:world"]);

/**
 * Looks addresses up among `entries`: the longest prefix wins, and of equal
 * ones the first.
 *
 * An entry whose `cidr` is neither an address nor a prefix throws `TypeError`:
 * the configuration is checked before it gets here.
 */
export function createIdentities(
  entries: readonly IdentityEntry[],
): Identities {
  // One table per prefix length: a look-up costs as many steps as there are
  // lengths, however many entries.
  const tables = new Map<number, Map<string, readonly string[]>>();
  for (const { cidr, labels, namespace } of entries) {
    const prefix = prefixOf(cidr);
    const table = tables.get(prefix.length) ?? new Map();
    tables.set(prefix.length, table);
    if (table.has(keyOf(prefix))) continue;
    table.set(keyOf(prefix), endpointLabels(labels, namespace));
  }
  const lengths = [...tables.keys()].sort((a, b) => b - a);
  return {
    peerOf(address) {
      const zone = address.indexOf("%");
      const parsed = parseAddress(zone < 0 ? address : address.slice(0, zone));
      if (parsed === undefined) return { address, labels: WORLD };
      for (const length of lengths) {
        const prefix = prefixAround(parsed, length);
        if (prefix === undefined) continue;
        const labels = tables.get(length)?.get(keyOf(prefix));
        if (labels !== undefined) return { address, labels };
      }
      return { address, labels: WORLD };
    },
  };
}

/**
 * The labels of a workload in a namespace, sorted, with their sources.
 *
 * A reserved identity (`reserved:host`) is not in a namespace: were it given
 * one, a peer selector `{}` would select it as a pod.
 */
export function endpointLabels(
  labels: Readonly<Record<string, string>>,
  namespace: string,
): readonly string[] {
  const all = Object.entries(labels).map(([key, value]) => {
    return { ...parseLabel(key), value };
  }).filter((label) => !isNamespace(label)); // the argument says it
  if (!all.some((label) => label.source === "reserved")) {
    all.push({ source: "k8s", key: NAMESPACE_KEY, value: namespace });
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
