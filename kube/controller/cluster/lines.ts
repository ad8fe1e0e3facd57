/**
 * What sidecars are told, as lines of the stream that `policy/identity_stream.ts`
 * reads. Each says one thing, and has a key: a later line of a key replaces the
 * earlier one.
 *
 * @module
 */
import type { ClusterVersions } from "../../../policy/cluster_versions.ts";
import type { IdentityEntry } from "../../../policy/mod.ts";
import type { ServiceFacts } from "./facts.ts";

/** All that one sidecar has to know: lines, by their keys. */
export type SidecarState = ReadonlyMap<string, string>;

/** A line and its key. */
export type Line = readonly [key: string, text: string];

export function endpointLine(
  endpoint: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  },
): Line {
  return ["endpoint", JSON.stringify({ event: "endpoint", ...endpoint })];
}

export function podCidrsLine(cidrs: readonly string[]): Line {
  return ["pod-cidrs", JSON.stringify({ event: "pod-cidrs", cidrs })];
}

export function policyLine(id: string, text: string): Line {
  return [`policy ${id}`, JSON.stringify({ event: "policy", id, text })];
}

export function identityLine(entry: IdentityEntry): Line {
  const text = JSON.stringify({ event: "identity", ...entry });
  return [`identity ${entry.cidr}`, text];
}

export function serviceLine(service: ServiceFacts): Line {
  const { namespace, name, labels, selector, addresses } = service;
  const text = JSON.stringify({
    event: "service",
    ...{ namespace, name, labels },
    ...(selector ? { selector } : {}),
    ...(addresses ? { addresses } : {}),
  });
  return [`service ${namespace}/${name}`, text];
}

/** The line that takes back what a key said. */
export function goneLine(key: string): string {
  const space = key.indexOf(" ");
  const [kind, id] = [key.slice(0, space), key.slice(space + 1)];
  const [namespace, name] = id.split("/");
  const what = kind === "identity"
    ? { cidr: id }
    : kind === "service"
    ? { namespace, name }
    : { id };
  return JSON.stringify({ event: `${kind}-gone`, ...what });
}

/** The line that ends what is told, of a moment of the cluster. */
export function syncedLine(versions: ClusterVersions): string {
  return JSON.stringify({ event: "synced", versions });
}
