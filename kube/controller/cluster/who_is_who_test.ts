/** Who is who to a sidecar, whatever pods say of themselves. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Access } from "../../../policy/mod.ts";
import type { PodFacts } from "./facts.ts";
import {
  A,
  B,
  B_TO_A,
  C,
  cluster,
  of,
  pod,
  policy,
  verdict,
} from "./cluster_harness_test.ts";
import { judgeOf, toldOf } from "./testing.ts";

const TRAPS: readonly {
  readonly name: string;
  readonly peer: Partial<PodFacts>;
  readonly from: object;
  readonly verdict: Access["verdict"];
}[] = [
  {
    name: "a pod is not of another namespace because it says so",
    peer: {
      namespace: "elsewhere",
      labels: { app: "b", "io.kubernetes.pod.namespace": "default" },
    },
    from: { fromEndpoints: [of({ app: "b" })] },
    verdict: "denied",
  },
  {
    name: "a pod has not the labels of another namespace because it says so",
    peer: { labels: { "io.cilium.k8s.namespace.labels.team": "x" } },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.namespace.labels.team": "x" })],
    },
    verdict: "denied",
  },
  {
    name: "a pod has no other service account because it says so",
    peer: { labels: { "io.cilium.k8s.policy.serviceaccount": "boss" } },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.policy.serviceaccount": "boss" })],
    },
    verdict: "denied",
  },
  {
    name: "a pod is known by its service account",
    peer: { serviceAccount: "boss" },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.policy.serviceaccount": "boss" })],
    },
    verdict: "allowed",
  },
  {
    name: "a pod is known by the labels of its namespace",
    peer: { namespace: "elsewhere" },
    from: {
      fromEndpoints: [of({ "io.cilium.k8s.namespace.labels.team": "x" })],
    },
    verdict: "allowed",
  },
  {
    name: "a pod that no selector asks for is no stranger by its address",
    peer: {},
    from: { fromCIDR: ["10.0.0.0/8"] },
    verdict: "denied",
  },
  {
    name: "a pod that no selector asks for is not the world",
    peer: {},
    from: { fromEntities: ["world"] },
    verdict: "denied",
  },
  {
    name: "a pod that no selector asks for is of the cluster",
    peer: {},
    from: { fromEntities: ["cluster"] },
    verdict: "allowed",
  },
  {
    name: "an ended pod's address is a stranger's",
    peer: { phase: "Succeeded", labels: { app: "b" } },
    from: { fromEndpoints: [of({ app: "b" })] },
    verdict: "denied",
  },
  {
    name: "a pod in its node's network is not known by its address",
    peer: { isHostNetwork: true, labels: { app: "b" } },
    from: { fromEndpoints: [of({ app: "b" })] },
    verdict: "denied",
  },
];

for (const { name, peer, from, verdict: expected } of TRAPS) {
  Deno.test(name, () => {
    const it = cluster({
      pods: [A, pod("peer", { ips: ["10.0.0.7"], ...peer })],
      namespaces: [{ name: "elsewhere", labels: { team: "x" } }],
      policies: [
        policy("p", { endpointSelector: of({ app: "a" }), ingress: [from] }),
      ],
    });
    assertEquals(verdict(it, "10.0.0.7"), expected);
  });
}

Deno.test("a pod at the address of a service outside the cluster is not that service", () => {
  const it = cluster({
    pods: [A, C],
    services: [{
      namespace: "default",
      name: "db",
      labels: {},
      addresses: ["10.0.0.3"],
    }],
    policies: [policy("p", {
      endpointSelector: of({ app: "a" }),
      egress: [{ toServices: [{ k8sService: { serviceName: "db" } }] }],
    })],
  });
  const { endpoint, policies, knowledge } = toldOf(
    it.stateFor("default", "a")!,
  );
  const question = {
    direction: "egress",
    port: 80,
    protocol: "TCP",
    names: [],
  } as const;
  const judge = judgeOf(endpoint, policies, knowledge);
  assertEquals(judge({ ...question, address: "10.0.0.3" }).verdict, "denied");
});

Deno.test("of two pods that say an address is theirs, the later one is believed, and the other once it is gone", () => {
  const it = cluster({ pods: [A, B], policies: [B_TO_A] });
  assertEquals(verdict(it, "10.0.0.2"), "allowed");
  it.setPod({ ...C, ips: ["10.0.0.2"] });
  it.setPod({ ...B, phase: "Running" }); // that is nothing new of its address
  assertEquals(verdict(it, "10.0.0.2"), "denied");
  it.deletePod(C);
  assertEquals(verdict(it, "10.0.0.2"), "allowed");
});

Deno.test("of two pods that say an address is theirs at the start, the younger one is believed", () => {
  const old = { ...B, created: "2026-01-02T03:04:05Z" };
  const young = {
    ...C,
    name: "another", // comes before b in a list
    ips: ["10.0.0.2"],
    created: "2026-01-02T03:05:00Z",
  };
  const it = cluster({ pods: [A, young, old], policies: [B_TO_A] });
  assertEquals(verdict(it, "10.0.0.2"), "denied");
});
