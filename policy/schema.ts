/**
 * The shape of the documents, in zod: which keys there are and of which type.
 *
 * What the values mean is checked where they are read. The keys of constructs
 * that Cilium knows and Parley does not enforce are here too, as `unsupported`:
 * they get their own error, not the one for a misspelt key.
 *
 * @module
 */
import { z } from "zod";

const unsupported = z.unknown().optional()
  .describe("known to Cilium, not enforced by Parley: a load error");
const ignored = z.unknown().optional();

/** `null` is as good as absent (policy semantics, section 6). */
const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullish();
const text = z.string();

const selector = z.strictObject({
  // A label without a value is written `key:` as well as `key: ""`.
  matchLabels: z.record(text, text.nullable()).nullish(),
  matchExpressions: listOf(z.strictObject({
    key: text,
    operator: text.describe("In, NotIn, Exists or DoesNotExist"),
    values: listOf(text).describe("for In and NotIn"),
  })),
}).meta({
  id: "Selector",
  description: "all tests must hold; {} selects everything",
});

const cidrSet = z.strictObject({
  cidr: text.nullish().describe("a prefix, such as 10.0.0.0/8"),
  except: listOf(text).describe("prefixes inside it that do not count"),
  cidrGroupRef: unsupported,
  cidrGroupSelector: unsupported,
});

const port = z.strictObject({
  port: text.nullish().describe(
    "a number from 0 to 65535, in quotes, or the name of a port; 0 is every port",
  ),
  endPort: z.int().nullish().describe("the last port of a range"),
  protocol: text.nullish().describe("TCP, UDP, SCTP or ANY (the default)"),
});

const names = z.strictObject({
  matchName: text.nullish().describe("a name, such as cilium.io"),
  matchPattern: text.nullish().describe(
    "a name with *: any part of one label; **. at the start: whole labels; * alone: any name",
  ),
}).meta({ id: "Names" });

const services = z.strictObject({
  k8sService: z.strictObject({
    serviceName: text.nullish(),
    namespace: text.nullish().describe("the policy's own unless given"),
  }).nullish(),
  k8sServiceSelector: z.strictObject({
    selector: selector.nullish().describe("labels of the service itself"),
    namespace: text.nullish().describe("any unless given"),
  }).nullish(),
}).meta({ id: "Service" });

const icmps = z.strictObject({
  fields: listOf(z.strictObject({
    type: z.union([text, z.int()], { error: "a number or a name of ICMP" })
      .nullish(),
    family: text.nullish().describe("IPv4 (the default) or IPv6"),
  })),
}).meta({ id: "ICMP" });

/** The `rules` of a toPorts item. */
export const l7RulesSchema = z.strictObject({
  l7proto: text.nullish().describe("the name of a parser"),
  l7: listOf(z.record(text, text)).describe(
    "one of these rules must cover a request; {} covers every request",
  ),
  http: unsupported,
  kafka: unsupported,
  dns: listOf(names).describe("which names may be asked for; at egress"),
}).meta({ id: "L7Rules" });

const toPorts = z.strictObject({
  ports: listOf(port),
  rules: l7RulesSchema.nullish().describe(
    "which requests are allowed; without it all are",
  ),
  terminatingTLS: unsupported,
  originatingTLS: unsupported,
  listener: unsupported,
  serverNames: unsupported,
}).meta({ id: "ToPorts" });

/** Deny entries close ports; L7 rules beside them have an error of their own. */
const toPortsDeny = toPorts.extend({ rules: ignored });

const PEERS = {
  endpoints: "workloads, by label",
  cidr: "addresses and prefixes; they fit peers that have no identity",
  cidrSet: "prefixes with exceptions",
  entities: "all, world, cluster, host …",
  requires:
    "labels that every endpoint of rules for the same workloads must have; removed upstream in 1.19",
  nodes: "nodes, by label; refused unless they are turned on",
  icmps: "not enforced by a sidecar",
};

const ingressPeers = {
  fromEndpoints: listOf(selector).describe(PEERS.endpoints),
  fromCIDR: listOf(text).describe(PEERS.cidr),
  fromCIDRSet: listOf(cidrSet).describe(PEERS.cidrSet),
  fromEntities: listOf(text).describe(PEERS.entities),
  fromRequires: listOf(selector).describe(PEERS.requires),
  fromNodes: listOf(selector).describe(PEERS.nodes),
  fromGroups: unsupported,
  icmps: listOf(icmps).describe(PEERS.icmps),
  authentication: z.unknown().optional(),
};

const egressPeers = {
  toEndpoints: listOf(selector).describe(PEERS.endpoints),
  toCIDR: listOf(text).describe(PEERS.cidr),
  toCIDRSet: listOf(cidrSet).describe(PEERS.cidrSet),
  toEntities: listOf(text).describe(PEERS.entities),
  toRequires: listOf(selector).describe(PEERS.requires),
  toServices: listOf(services).describe("services, by name or by label"),
  toFQDNs: listOf(names).describe(
    "addresses that DNS answers gave for these names",
  ),
  toNodes: listOf(selector).describe(PEERS.nodes),
  toGroups: unsupported,
  icmps: listOf(icmps).describe(PEERS.icmps),
  authentication: z.unknown().optional(),
};

const PORTS = "ports of the destination; without it every port";
const allowPorts = { toPorts: listOf(toPorts).describe(PORTS) };
const denyPorts = { toPorts: listOf(toPortsDeny).describe(PORTS) };

/** One rule: a subject, and what may and may not reach it or be reached by it. */
export const ruleSchema = z.strictObject({
  endpointSelector: selector.nullish().describe(
    "the workloads that the rule is for",
  ),
  nodeSelector: selector.nullish().describe(
    "nodes that the rule is for, in a clusterwide policy; not enforced by a sidecar",
  ),
  ingress: listOf(z.strictObject({ ...ingressPeers, ...allowPorts }))
    .describe("who may connect; what no entry allows is denied then"),
  ingressDeny: listOf(z.strictObject({ ...ingressPeers, ...denyPorts }))
    .describe("who may not, whatever is allowed elsewhere"),
  egress: listOf(z.strictObject({ ...egressPeers, ...allowPorts }))
    .describe("where it may connect to; what no entry allows is denied then"),
  egressDeny: listOf(z.strictObject({ ...egressPeers, ...denyPorts }))
    .describe("where it may not, whatever is allowed elsewhere"),
  enableDefaultDeny: z.strictObject({
    ingress: z.boolean().nullish(),
    egress: z.boolean().nullish(),
  }).nullish().describe("false: the rule allows without closing"),
  labels: ignored,
  description: text.nullish(),
  log: ignored,
}).meta({ id: "Rule" });

const metadata = z.strictObject({
  name: text.nullish(),
  namespace: text.nullish(),
  description: text.nullish(),
  uid: ignored,
  labels: ignored,
  annotations: z.record(text, z.unknown()).nullish().describe(
    "parley.dev/mode: audit logs what the policy would deny, and lets it pass",
  ),
  generateName: ignored,
  creationTimestamp: ignored,
  deletionTimestamp: ignored,
  deletionGracePeriodSeconds: ignored,
  finalizers: ignored,
  generation: ignored,
  managedFields: ignored,
  ownerReferences: ignored,
  resourceVersion: ignored,
  selfLink: ignored,
});

const body = {
  metadata: metadata.nullish(),
  spec: ruleSchema.nullish(),
  specs: listOf(ruleSchema),
  status: ignored,
  description: text.nullish(),
};

/** Cilium's own objects. */
const ciliumSchema = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.enum(["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"]),
  ...body,
}).meta({ id: "Object" });

/** The same, for clusters without Cilium. */
const parleySchema = z.strictObject({
  apiVersion: z.literal("parley.dev/v1alpha1"),
  kind: z.enum(["ParleyPolicy", "ParleyClusterPolicy"]),
  ...body,
}).meta({ id: "ParleyObject" });

const OBJECTS = [ciliumSchema, parleySchema] as const;

/** The kinds of objects that are policies. */
export const KINDS = [
  ...ciliumSchema.shape.kind.options,
  ...parleySchema.shape.kind.options,
] as const;

/** The shape of the objects of one kind. */
export function objectSchemaOf(kind: (typeof KINDS)[number]): z.ZodType {
  return OBJECTS.find(({ shape }) => kind in shape.kind.enum)!;
}

/** A bare list of rules, which has no namespace. */
export const ruleListSchema = z.array(ruleSchema);

/** `kind` of Kubernetes' lists of objects. */
export const LISTS = [
  "List",
  ...KINDS.map((kind) => `${kind}List` as const),
] as const;

/** A list of objects, as `kubectl get -o yaml` writes one. */
const listSchema = z.object({
  kind: z.enum(LISTS),
  items: z.array(z.union([...OBJECTS, ruleListSchema])),
});

/** What a policy file may hold. */
export const policySchema = z.union([
  ...OBJECTS,
  ruleListSchema,
  listSchema,
]);
