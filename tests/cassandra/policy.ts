/**
 * Policies for the guarded server of these tests.
 *
 * @module
 */
import type { Rule } from "../e2e/sidecar.ts";

/** What anybody may ask for, as the text of a file. JSON is YAML. */
export function cassandraPolicy(rules: readonly Rule[]): string {
  return JSON.stringify({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "guard" },
    spec: {
      endpointSelector: { matchLabels: { app: "guarded" } },
      ingress: [{
        fromEntities: ["all"],
        toPorts: [{
          ports: [{ port: "11211", protocol: "TCP" }],
          rules: { l7proto: "cassandra", l7: rules },
        }],
      }],
    },
  });
}
