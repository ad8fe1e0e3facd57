/**
 * The configuration and the policies of the demo.
 *
 * @module
 */
import { parse } from "yaml";

/** The workloads, and the loopback addresses that tell them apart. */
export const WORKLOADS = {
  monitoring: "127.0.0.2",
  maintenance: "127.0.0.3",
} as const;

export type Workload = keyof typeof WORKLOADS;

/** `parley.yaml`. The log is a file because the demo reads it. */
export function configText(
  { cachePort, droidPort }: { cachePort: number; droidPort: number },
): string {
  return `endpoint: { name: cache-0, labels: { app: cache } }
listeners:
- name: cache
  listen: 127.0.0.1:0
  upstream: 127.0.0.1:${cachePort}
  port: 11211
- name: droid
  listen: 127.0.0.1:0
  upstream: 127.0.0.1:${droidPort}
  port: 4000
identities:
- { cidr: ${WORKLOADS.monitoring}/32, labels: { function: monitoring } }
- { cidr: ${WORKLOADS.maintenance}/32, labels: { function: maintenance } }
policies: [ policies ]
parsers: { folders: [ parsers ] }
accessLog: { file: access.log }
limits: { connections: 200, drain: 1s }
`;
}

/** `policies/cache.yaml`: one may read, the other may write below fleet/. */
export const CACHE_POLICY = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: cache }
spec:
  endpointSelector: { matchLabels: { app: cache } }
  ingress:
  - fromEndpoints:
    - matchLabels: { function: monitoring }
    toPorts:
    - ports: [ { port: "11211", protocol: TCP } ]
      rules:
        l7proto: memcache
        l7:
        - { command: get }
        - { command: version }
        - { command: quit }
  - fromEndpoints:
    - matchLabels: { function: maintenance }
    toPorts:
    - ports: [ { port: "11211", protocol: TCP } ]
      rules:
        l7proto: memcache
        l7:
        - { command: get, keyPrefix: fleet/ }
        - { command: set, keyPrefix: fleet/ }
        - { command: version }
        - { command: quit }
`;

/** `policies/droid.yaml`: names a parser that is not there before step 6. */
export const DROID_POLICY = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: droid }
spec:
  endpointSelector: { matchLabels: { app: cache } }
  ingress:
  - fromEndpoints:
    - matchLabels: { function: maintenance }
    toPorts:
    - ports: [ { port: "4000", protocol: TCP } ]
      rules:
        l7proto: c3po
        l7:
        - { contains: R2-D2 }
`;

const POLICIES: ReadonlyMap<string, string> = new Map([
  ["default/cache", CACHE_POLICY],
  ["default/droid", DROID_POLICY],
]);

/** The text of the rule that a log line's `rule` points at. */
export function ruleText(reference: string): string {
  const [name, path] = reference.split("#") as [string, string?];
  let found = parse(POLICIES.get(name) ?? "");
  for (const [part] of (path ?? "").matchAll(/[^.[\]]+/g)) {
    // The path of an L7 rule leaves out the level named `rules`.
    if (part === "l7") found = found?.rules;
    found = found?.[part];
  }
  if (typeof found !== "object" || found === null) {
    throw new Error(`the policies have no rule ${reference}`);
  }
  const members = Object.entries(found).map(([key, value]) =>
    `${key}: ${value}`
  );
  return `{ ${members.join(", ")} }`;
}
