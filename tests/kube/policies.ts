/**
 * Policies that tests give to a real API server.
 *
 * @module
 */
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "./cluster.ts";

/** Where the pods of the tests are, and their policies. */
export const NAMESPACE = "fleet";

/** Documents of upstream that some of their readers take, and others do not. */
const SHARED = new URL("../../../shared/policies/", import.meta.url);

export const SPEC = {
  endpointSelector: { matchLabels: { app: "memcached" } },
  ingress: [{
    toPorts: [{
      ports: [{ port: "11211", protocol: "TCP" }],
      rules: { l7proto: "memcache", l7: [{ command: "get" }] },
    }],
  }],
};

export function policy(name: string, spec: object = SPEC): KubeObject {
  return {
    apiVersion: "parley.dev/v1alpha1",
    kind: "ParleyPolicy",
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
}

/** Cilium's definition, as far as it matters here, with this schema of `spec`. */
export function ciliumDefinition(properties: object): KubeObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "ciliumnetworkpolicies.cilium.io" },
    spec: {
      group: "cilium.io",
      scope: "Namespaced",
      names: {
        kind: "CiliumNetworkPolicy",
        plural: "ciliumnetworkpolicies",
        singular: "ciliumnetworkpolicy",
      },
      versions: [{
        name: "v2",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", properties } },
          },
        },
      }],
    },
  };
}

export function ciliumPolicy(name: string): KubeObject {
  return {
    ...policy(name),
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
  };
}

/** The shared documents of Cilium's kinds, as Parley's, each under a name of its own. */
export async function* sharedPolicies(): AsyncGenerator<
  { file: string; object: KubeObject }
> {
  const entries = await Array.fromAsync(Deno.readDir(SHARED))
    .catch(() => []); // they are not part of the project
  const files = entries.map(({ name }) => name).filter((name) =>
    name.endsWith(".yaml")
  ).sort();
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, SHARED));
    for (const document of parseAllDocuments(text)) {
      const value = document.toJS();
      const rules = Array.isArray(value) ? { specs: value } : value;
      const isCluster = value.kind === "CiliumClusterwideNetworkPolicy";
      const { spec, specs, description } = rules;
      const name = `shared-${file.replace(/\.yaml$/, "")}`;
      yield {
        file,
        object: {
          apiVersion: "parley.dev/v1alpha1",
          kind: isCluster ? "ParleyClusterPolicy" : "ParleyPolicy",
          metadata: isCluster ? { name } : { name, namespace: NAMESPACE },
          ...(spec === undefined ? {} : { spec }),
          ...(specs === undefined ? {} : { specs }),
          ...(description === undefined ? {} : { description }),
        },
      };
    }
  }
}
