/** Which ports of a pod that is about to be are redirected: no policy's, for want of knowing it, is left out. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { PolicyFacts } from "../controller/cluster/facts.ts";
import { podWith } from "../inject/testing.ts";
import { PolicyPorts } from "./policy_ports.ts";

const CACHE = { matchLabels: { app: "cache" } };
const POD = { ...podWith({}), metadata: { labels: { app: "cache" } } };

function policy(spec: unknown, more: Partial<PolicyFacts> = {}): PolicyFacts {
  return {
    kind: "CiliumNetworkPolicy",
    namespace: "fleet",
    name: "x",
    uid: "1",
    generation: 1,
    document: { spec },
    ...more,
  };
}

const GOOD = policy({ endpointSelector: CACHE, ingress: [{}] });
const BAD = policy({ endpointSelector: "everybody" });
const { namespace: _, ...BY_NAMESPACE } = policy({
  endpointSelector: {
    matchLabels: { "io.cilium.k8s.namespace.labels.team": "a" },
  },
  ingress: [{}],
}, { kind: "CiliumClusterwideNetworkPolicy" });

interface Case {
  readonly name: string;
  readonly policies: readonly PolicyFacts[];
  /** Labels of the pod's namespace; absent while it is not known. */
  readonly namespace?: Record<string, string>;
  /** `none`: it needs no sidecar; `unknown`: that cannot be told. */
  readonly ingress: string;
}

const CASES: readonly Case[] = [
  {
    name: "a pod that a policy selects is guarded",
    policies: [GOOD],
    namespace: {},
    ingress: "all",
  },
  {
    name: "a pod that no policy selects is not",
    policies: [{ ...GOOD, namespace: "elsewhere" }],
    namespace: {},
    ingress: "none",
  },
  {
    name: "the last good version of a policy counts, as in sidecars",
    policies: [GOOD, BAD],
    namespace: {},
    ingress: "all",
  },
  {
    name: "one that was never good leaves nobody unguarded whom it may be for",
    policies: [BAD],
    namespace: {},
    ingress: "unknown",
  },
  {
    name: "one of another namespace that was never good is nobody's here",
    policies: [{ ...BAD, namespace: "elsewhere" }],
    namespace: {},
    ingress: "none",
  },
  {
    name: "labels of the namespace select",
    policies: [BY_NAMESPACE],
    namespace: { team: "a" },
    ingress: "all",
  },
  {
    name: "a pod of a namespace that is not known yet is not left unguarded",
    policies: [BY_NAMESPACE],
    ingress: "unknown",
  },
];

for (const { name, policies, namespace, ingress } of CASES) {
  Deno.test(`ports from policies: ${name}`, () => {
    const ports = new PolicyPorts();
    if (namespace) ports.setNamespace({ name: "fleet", labels: namespace });
    for (const policy of policies) ports.setPolicy(policy);
    ports.markSynced("policies");
    ports.markSynced("namespaces");
    const found = ports.of(POD, "fleet");
    assertEquals(found ? found.ingress ?? "none" : "unknown", ingress);
  });
}
