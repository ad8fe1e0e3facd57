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
    "a number from 0 to 65535, in quotes; 0 is every port",
  ),
  endPort: z.int().nullish().describe("the last port of a range"),
  protocol: text.nullish().describe("TCP, UDP, SCTP or ANY (the default)"),
});

/** The `rules` of a toPorts item. */
export const l7RulesSchema = z.strictObject({
  l7proto: text.nullish().describe("the name of a parser"),
  l7: listOf(z.record(text, text)).describe(
    "one of these rules must cover a request; {} covers every request",
  ),
  http: unsupported,
  kafka: unsupported,
  dns: unsupported,
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
};

const ingressPeers = {
  fromEndpoints: listOf(selector).describe(PEERS.endpoints),
  fromCIDR: listOf(text).describe(PEERS.cidr),
  fromCIDRSet: listOf(cidrSet).describe(PEERS.cidrSet),
  fromEntities: listOf(text).describe(PEERS.entities),
  fromRequires: unsupported,
  fromNodes: unsupported,
  fromGroups: unsupported,
  icmps: unsupported,
  authentication: z.unknown().optional(),
};

const egressPeers = {
  toEndpoints: listOf(selector).describe(PEERS.endpoints),
  toCIDR: listOf(text).describe(PEERS.cidr),
  toCIDRSet: listOf(cidrSet).describe(PEERS.cidrSet),
  toEntities: listOf(text).describe(PEERS.entities),
  toRequires: unsupported,
  toServices: unsupported,
  toFQDNs: unsupported,
  toNodes: unsupported,
  toGroups: unsupported,
  icmps: unsupported,
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
  nodeSelector: unsupported,
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
  annotations: ignored,
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

/** A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy object. */
export const objectSchema = z.strictObject({
  apiVersion: z.literal("cilium.io/v2"),
  kind: z.enum(["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"]),
  metadata: metadata.nullish(),
  spec: ruleSchema.nullish(),
  specs: listOf(ruleSchema),
  status: ignored,
  description: text.nullish(),
}).meta({ id: "Object" });

/** A bare list of rules, which has no namespace. */
export const ruleListSchema = z.array(ruleSchema);

/** `kind` of Kubernetes' lists of objects. */
export const LISTS = [
  "List",
  ...objectSchema.shape.kind.options.map((kind) => `${kind}List` as const),
] as const;

/** A list of objects, as `kubectl get -o yaml` writes one. */
const listSchema = z.object({
  kind: z.enum(LISTS),
  items: z.array(z.union([objectSchema, ruleListSchema])),
});

/** What a policy file may hold. */
export const policySchema = z.union([
  objectSchema,
  ruleListSchema,
  listSchema,
]);
