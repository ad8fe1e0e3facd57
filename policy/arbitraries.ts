/**
 * Random policies and questions to them, for property tests. Vocabularies are
 * small, so that rules and questions meet.
 *
 * @module
 */
import fc from "fast-check";
import { endpointLabels, type Peer, type Query } from "./mod.ts";
import { pod, subject, world } from "./testing.ts";

const value = fc.constantFrom("a", "b");
const labels = fc.dictionary(fc.constantFrom("app", "tier"), value);
const key = fc.constantFrom(
  "app",
  "k8s:tier",
  "any:tier",
  "container:app",
  "reserved:host",
  "k8s:io.kubernetes.pod.namespace",
);

const expressions = fc.array(
  fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom("In", "NotIn"),
      values: fc.array(value, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ key, operator: fc.constantFrom("Exists", "DoesNotExist") }),
  ),
  { maxLength: 1 },
);

const selector = fc.record(
  { matchLabels: labels, matchExpressions: expressions },
  { requiredKeys: [] },
);

const ADDRESSES = ["10.0.0.1", "10.96.0.1", "192.0.2.1", "2001:db8::1"];
const cidr = fc.constantFrom(
  "10.0.0.0/8",
  "10.96.0.0/16",
  "192.0.2.1",
  "2001:db8::/32",
  "::/0",
  "0.0.0.0/0",
);

const number = fc.constantFrom(
  { port: "80" },
  { port: "81" },
  { port: "0" },
  { port: "80", endPort: 81 },
  { port: "web" },
);
const protocol = fc.constantFrom("TCP", "UDP", "ANY");
const ports = fc.array(
  fc.tuple(number, protocol)
    .map(([port, protocol]) => ({ ...port, protocol })),
  { maxLength: 2 },
);

const r2d2 = fc.record({
  l7proto: fc.constant("r2d2"),
  l7: fc.array(
    fc.constantFrom(
      {},
      { cmd: "READ" },
      { cmd: "READ", file: "x" },
      { cmd: "WRITE", file: "y" },
    ),
    { maxLength: 2 },
  ),
});
const dns = fc.constant({ dns: [{ matchName: "a.io" }] });
const judged = fc.record({
  ports: fc.constantFrom(
    [{ port: "80", protocol: "TCP" }],
    [{ port: "80", endPort: 81, protocol: "TCP" }],
    [{ port: "web", protocol: "TCP" }],
  ),
  rules: fc.oneof(
    { weight: 6, arbitrary: r2d2 },
    { weight: 1, arbitrary: fc.constant({ l7proto: "cassandra", l7: [] }) },
  ),
});
const ofDns = fc.record({
  ports: fc.constant([{ port: "81", protocol: "UDP" }]),
  rules: dns,
});

function toPorts(way: "from" | "to") {
  const kinds = [
    fc.record({ ports }),
    judged,
    judged,
    judged,
    ...(way === "to" ? [ofDns] : []),
  ];
  return fc.array(fc.oneof(...kinds), { maxLength: 2 });
}

const names = fc.array(
  fc.constantFrom(
    { matchName: "a.io" },
    { matchName: "B.a.io" },
    { matchPattern: "*" },
    { matchPattern: "*.a.io" },
    { matchPattern: "**.a.io" },
    { matchPattern: "b*.*.io" },
    { matchPattern: "*a.io" },
  ),
  { maxLength: 2 },
);

const services = fc.array(
  fc.constantFrom(
    { k8sService: { serviceName: "one" } },
    { k8sService: { serviceName: "one", namespace: "elsewhere" } },
    { k8sServiceSelector: { selector: {} } },
    {
      k8sServiceSelector: {
        selector: { matchLabels: { app: "a" } },
        namespace: "default",
      },
    },
  ),
  { maxLength: 2 },
);

/** One peer field, or none. */
function peers(way: "from" | "to", verdict: "allow" | "deny") {
  const field = <T>(name: string, arbitrary: fc.Arbitrary<T>) =>
    arbitrary.map((list) => ({ [`${way}${name}`]: list }));
  const all: fc.Arbitrary<object>[] = [
    fc.constant({}),
    fc.constant({}),
    field("Endpoints", fc.array(selector, { maxLength: 2 })),
    field("Endpoints", fc.array(selector, { maxLength: 2 })),
    field("CIDR", fc.array(cidr, { maxLength: 2 })),
    field(
      "CIDRSet",
      fc.constant([{ cidr: "10.0.0.0/8", except: ["10.96.0.0/12"] }]),
    ),
    field(
      "Entities",
      fc.array(
        fc.constantFrom("all", "world", "cluster", "host", "remote-node"),
        { maxLength: 2 },
      ),
    ),
    field("Nodes", fc.array(selector, { maxLength: 2 })),
  ];
  if (way === "to") all.push(field("Services", services));
  if (way === "to" && verdict === "allow") all.push(field("FQDNs", names));
  return fc.oneof(...all);
}

function entries(way: "from" | "to") {
  const where = fc.oneof(
    fc.constant({}),
    fc.record({ toPorts: toPorts(way) }),
  );
  const required = fc.oneof(
    { weight: 9, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.array(selector, { minLength: 1, maxLength: 2 })
        .map((list) => ({ [`${way}Requires`]: list })),
    },
  );
  return fc.array(
    fc.tuple(peers(way, "allow"), where, required)
      .map(([who, where, required]) => ({ ...who, ...where, ...required })),
    { maxLength: 3 },
  );
}

function denies(way: "from" | "to") {
  const where = fc.oneof(
    fc.constant({}),
    ports.map((ports) => ({ toPorts: [{ ports }] })),
  );
  return fc.array(
    fc.tuple(peers(way, "deny"), where)
      .map(([who, where]) => ({ ...who, ...where })),
    { maxLength: 1 },
  );
}

const rule = fc.record({
  endpointSelector: selector,
  ingress: entries("from"),
  egress: entries("to"),
  ingressDeny: denies("from"),
  egressDeny: denies("to"),
  enableDefaultDeny: fc.record({ ingress: fc.boolean() }),
}, { requiredKeys: ["endpointSelector"] });

const rules = fc.array(rule, { minLength: 1, maxLength: 3 });

const object = fc.record({
  kind: fc.constantFrom(
    "CiliumNetworkPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
  ),
  mode: fc.constantFrom("enforce", "enforce", "audit"),
  specs: rules,
});

/** Up to three documents, as values. */
export const documents = fc.array(
  fc.oneof({ weight: 4, arbitrary: object }, { weight: 1, arbitrary: rules }),
  { minLength: 1, maxLength: 3 },
).map((all) =>
  all.map((written, index) => {
    if (Array.isArray(written)) return written;
    const { kind, mode, specs } = written;
    const metadata = {
      name: `random-${index}`,
      annotations: { "parley.dev/mode": mode },
    };
    return { apiVersion: "cilium.io/v2", kind, metadata, specs };
  })
);

const SERVICES = [
  { name: "one", namespace: "default", labels: ["k8s:app=a"] },
  { name: "one", namespace: "elsewhere", labels: ["k8s:app=b"] },
];
const PORTS = [
  [],
  [{ name: "web", port: 80, protocol: "TCP" as const }],
  [{ name: "web", port: 81, protocol: "TCP" as const }],
];

const somebody: fc.Arbitrary<Peer> = fc.oneof(
  fc.tuple(labels, fc.constantFrom("default", "default", "elsewhere"))
    .map(([labels, namespace]) => pod(labels, namespace)),
  fc.constantFrom(...ADDRESSES).map(world),
  fc.constant({ address: "10.0.0.1", labels: ["reserved:host"] }),
  labels.map((labels) => ({
    address: "10.0.0.2",
    labels: endpointLabels({ ...labels, "reserved:remote-node": "" }, ""),
  })),
);

const known: fc.Arbitrary<Peer> = fc.record({
  peer: somebody,
  names: fc.subarray(["a.io.", "b.a.io.", "c.b.a.io."]),
  services: fc.subarray(SERVICES),
  ports: fc.constantFrom(...PORTS),
}).map(({ peer, ...known }) => ({ ...peer, ...known }));

/** Connections to and from workloads that the documents may select. */
export const queries: fc.Arbitrary<Query> = fc.record({
  subject: fc.record({
    labels: labels.map((labels) => subject(labels).labels),
    ports: fc.constantFrom(...PORTS),
  }),
  direction: fc.constantFrom("ingress", "egress"),
  port: fc.constantFrom(80, 80, 80, 79, 81, 82, 90),
  protocol: fc.constantFrom("TCP", "TCP", "TCP", "UDP"),
  peer: known,
});

/** What is asked on a connection. */
export const requests = fc.constantFrom<Record<string, string>>(
  { cmd: "READ", file: "x" },
  { cmd: "READ", file: "y" },
  { cmd: "WRITE", file: "x" },
  { matchName: "a.io" },
);
