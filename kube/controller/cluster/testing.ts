/**
 * Random clusters for the tests of this folder, and what a sidecar makes of what
 * it is told. Vocabularies are small, so that policies and pods meet.
 *
 * @module
 */
import fc from "fast-check";
import { documents } from "../../../policy/arbitraries.ts";
import {
  ControllerStream,
  type Told,
} from "../../../policy/controller_stream.ts";
import {
  type Access,
  createIdentities,
  createPolicyStore,
  endpointLabels,
  type Query,
  type Source,
} from "../../../policy/mod.ts";
import type { Knowledge } from "../../../policy/identity_source.ts";
import { catalog } from "../../../policy/testing.ts";
import { Cluster } from "./cluster.ts";
import type {
  NamespaceFacts,
  PodFacts,
  PolicyFacts,
  PolicyKind,
  ServiceFacts,
} from "./facts.ts";
import type { SidecarState } from "./lines.ts";
import { policyId, readPolicy } from "./read_policy.ts";

/** All objects of a cluster. */
export interface Objects {
  readonly podCidrs: readonly string[];
  readonly pods: readonly PodFacts[];
  readonly namespaces: readonly NamespaceFacts[];
  readonly services: readonly ServiceFacts[];
  readonly policies: readonly PolicyFacts[];
}

const namespace = fc.constantFrom("default", "default", "elsewhere");
const labels = fc.dictionary(
  fc.constantFrom("app", "tier"),
  fc.constantFrom("a", "b"),
);

/** In the prefixes that the policies of `policy/arbitraries.ts` speak of, and elsewhere. */
const IPS = [
  "10.0.0.1",
  "10.0.0.2",
  "10.96.0.1",
  "192.0.2.1",
  "172.16.0.9",
  "2001:db8::1",
  "fd00::1",
];
const STRANGERS = ["10.0.0.99", "198.51.100.1", "2001:db8::99"];
const PORT_NAMES = [
  [],
  [{ name: "web", port: 80, protocol: "TCP" as const }],
  [{ name: "web", port: 81, protocol: "TCP" as const }],
];

const pods: fc.Arbitrary<PodFacts[]> = fc.uniqueArray(
  fc.record({
    namespace,
    name: fc.constantFrom("p", "q", "r", "s", "t", "u", "v"),
    uid: fc.constantFrom("1", "2"),
    labels,
    serviceAccount: fc.constantFrom("default", "other"),
    ips: fc.subarray(IPS, { maxLength: 2 }),
    phase: fc.constantFrom("Running", "Running", "Pending", "Succeeded"),
    isHostNetwork: fc.constantFrom(false, false, false, true),
    ports: fc.constantFrom(...PORT_NAMES),
    annotations: fc.constant({}),
    isInjected: fc.constantFrom(true, true, false),
  }),
  {
    selector: ({ namespace, name }) => `${namespace}/${name}`,
    minLength: 2,
    maxLength: 8,
  },
);

const services: fc.Arbitrary<ServiceFacts[]> = fc.uniqueArray(
  fc.record({
    namespace,
    name: fc.constantFrom("one", "two"),
    labels,
    selector: fc.option(labels, { nil: undefined }),
    addresses: fc.option(fc.subarray([...IPS, ...STRANGERS]), {
      nil: undefined,
    }),
  }).map(({ selector, addresses, ...rest }): ServiceFacts => ({
    ...rest,
    ...(selector ? { selector } : {}),
    ...(addresses ? { addresses } : {}),
  })),
  { selector: ({ namespace, name }) => `${namespace}/${name}`, maxLength: 3 },
);

const namespaces: fc.Arbitrary<NamespaceFacts[]> = fc.record({
  default: fc.dictionary(fc.constantFrom("team"), fc.constantFrom("a", "b")),
  elsewhere: fc.dictionary(fc.constantFrom("team"), fc.constantFrom("a", "b")),
}).map((all) =>
  Object.entries(all).map(([name, labels]) => ({ name, labels }))
);

/** Peers by what the cluster adds to the labels of pods. */
const added = fc.constantFrom(
  { "io.cilium.k8s.namespace.labels.team": "a" },
  { "io.cilium.k8s.policy.serviceaccount": "other" },
);
const byAddedLabels = fc.record({
  subject: fc.oneof(fc.constant({}), added),
  peer: added,
  way: fc.constantFrom("ingress", "ingressDeny", "egress"),
}).map(({ subject, peer, way }) => {
  const field = way === "egress" ? "toEndpoints" : "fromEndpoints";
  return {
    kind: "CiliumNetworkPolicy",
    specs: [{
      endpointSelector: { matchLabels: subject },
      [way]: [{ [field]: [{ matchLabels: peer }] }],
    }],
  };
});

const KINDS: Readonly<Record<string, PolicyKind>> = {
  CiliumNetworkPolicy: "ParleyPolicy",
  CiliumClusterwideNetworkPolicy: "ParleyClusterPolicy",
};

const policies: fc.Arbitrary<PolicyFacts[]> = fc.array(
  fc.record({
    written: fc.oneof(
      { weight: 5, arbitrary: documents.map((all) => all.flat()[0]!) },
      { weight: 1, arbitrary: byAddedLabels },
    ),
    namespace,
    isOurs: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
).map((all) =>
  all.map(({ written, namespace, isOurs }, index): PolicyFacts => {
    // A bare rule becomes a policy of its namespace.
    const object = "endpointSelector" in written
      ? { kind: "CiliumNetworkPolicy", specs: [written] }
      : written as { kind: string };
    const kind = isOurs ? KINDS[object.kind]! : object.kind as PolicyKind;
    const isWide = object.kind === "CiliumClusterwideNetworkPolicy";
    return {
      kind,
      ...(isWide ? {} : { namespace }),
      name: `policy-${index}`,
      uid: "1",
      generation: 1,
      document: object,
    };
  })
);

export const objects: fc.Arbitrary<Objects> = fc.record({
  podCidrs: fc.constantFrom<string[]>([], [], ["10.0.0.0/16"], ["0.0.0.0/0"]),
  pods,
  namespaces,
  services,
  policies,
});

/** An index of all of them. */
export function clusterOf(all: Objects): Cluster {
  const cluster = new Cluster({ catalog, podCidrs: all.podCidrs });
  for (const namespace of all.namespaces) cluster.setNamespace(namespace);
  for (const pod of all.pods) cluster.setPod(pod);
  for (const service of all.services) cluster.setService(service);
  for (const policy of all.policies) cluster.setPolicy(policy);
  syncAll(cluster);
  return cluster;
}

export function syncAll(cluster: Cluster): void {
  for (const kind of ["pods", "namespaces", "services", "policies"] as const) {
    cluster.markSynced(kind);
  }
}

/** What a sidecar makes of its state. */
export function toldOf(state: SidecarState): Told {
  const stream = new ControllerStream(2 ** 20);
  for (const line of state.values()) stream.take(line);
  return stream.take('{"event":"synced"}')!;
}

/** Answers of a sidecar that knows what it was told, and one policy text after the other. */
export function judgeOf(
  endpoint: Told["endpoint"],
  policies: readonly Source[],
  knowledge: Knowledge,
  ports: PodFacts["ports"] = [],
): (question: Question) => Access {
  const subject = {
    labels: endpointLabels(endpoint.labels, endpoint.namespace),
    ports,
  };
  const store = createPolicyStore(catalog, [subject], { nodes: true });
  store.update(policies);
  const { identities, services, podCidrs = [] } = knowledge;
  let names: readonly string[] = [];
  const known = createIdentities(identities, {
    services,
    podCidrs,
    namesOf: () => names,
  });
  return (question: Question): Access => {
    const { address, ...rest } = question;
    names = question.names;
    const peer = known.peerOf(address);
    return store.current.resolve({ ...rest, subject, peer });
  };
}
/** A connection, by the address of its other end. */
export interface Question
  extends Required<Pick<Query, "direction" | "port" | "protocol">> {
  readonly address: string;
  readonly names: readonly string[];
}

export const questions: fc.Arbitrary<Question[]> = fc.array(
  fc.record({
    direction: fc.constantFrom("ingress", "egress"),
    port: fc.constantFrom(80, 80, 80, 81, 79),
    protocol: fc.constantFrom("TCP", "TCP", "TCP", "UDP"),
    address: fc.constantFrom(...IPS, ...IPS, ...STRANGERS),
    names: fc.subarray(["a.io.", "b.a.io."]),
  }),
  { minLength: 10, maxLength: 30 },
);

/** All policies of a cluster, as sidecars that they select are sent them. */
export function textsOf({ policies }: Objects): Source[] {
  return policies.map((facts): Source => {
    const id = policyId(facts);
    return {
      file: `controller: ${id}`,
      text: readPolicy(facts, { catalog }).text,
    };
  }).sort((a, b) => a.file < b.file ? -1 : 1);
}
