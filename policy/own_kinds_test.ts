/** Parley's own kinds of policy: read as Cilium's are, under other names. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { createPolicyStore } from "./mod.ts";
import { catalog } from "./testing.ts";

const RULE = {
  endpointSelector: { matchLabels: { app: "cache" } },
  ingress: [{
    fromEndpoints: [{ matchLabels: { app: "client" } }],
    toPorts: [{
      ports: [{ port: "11211", protocol: "TCP" }],
      rules: { l7proto: "memcache", l7: [{ command: "get" }] },
    }],
  }],
};

/** Cilium's kinds, and Parley's. */
const PAIRS = [
  ["CiliumNetworkPolicy", "ParleyPolicy"],
  ["CiliumClusterwideNetworkPolicy", "ParleyClusterPolicy"],
] as const;

function update(kind: string, spec: object, metadata: object = {}) {
  const store = createPolicyStore(catalog);
  const apiVersion = kind.startsWith("Parley")
    ? "parley.dev/v1alpha1"
    : "cilium.io/v2";
  const object = {
    apiVersion,
    kind,
    metadata: { name: "x", ...metadata },
    spec,
  };
  const result = store.update([
    { file: "x.yaml", text: JSON.stringify(object) },
  ]);
  return { store, ...result };
}

for (const [cilium, own] of PAIRS) {
  Deno.test(`a ${own} decides as a ${cilium} does`, () => {
    const answers = [cilium, own].map((kind) => {
      const { store, problems } = update(kind, RULE);
      assertEquals(problems, []);
      return ["default", "other"].map((namespace) =>
        store.current.resolve({
          subject: {
            labels: [
              "k8s:app=cache",
              `k8s:io.kubernetes.pod.namespace=${namespace}`,
            ],
          },
          direction: "ingress",
          port: 11211,
          peer: {
            address: "10.0.0.1",
            labels: [
              "k8s:app=client",
              "k8s:io.kubernetes.pod.namespace=default",
            ],
          },
        })
      );
    });
    assertEquals(answers[0], answers[1]);
  });
}

Deno.test("advice about Parley's kinds names Parley's kinds", () => {
  const [nodes] = update("ParleyPolicy", { nodeSelector: {}, ingress: [{}] })
    .problems;
  assertMatch(
    `${nodes!.message}; ${nodes!.mend}`,
    /^a ParleyPolicy cannot select nodes; use a ParleyClusterPolicy,/,
  );
  const [namespace] = update("ParleyClusterPolicy", RULE, { namespace: "a" })
    .problems;
  assertMatch(namespace!.mend, /make it a ParleyPolicy$/);
});
