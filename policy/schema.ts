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
    operator: text,
    values: listOf(text),
  })),
});

const cidrSet = z.strictObject({
  cidr: text.nullish(),
  except: listOf(text),
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

const l7Rules = z.strictObject({
  l7proto: text.nullish().describe("the name of a parser"),
  l7: listOf(z.record(text, text)),
  http: unsupported,
  kafka: unsupported,
  dns: unsupported,
});

const toPorts = z.strictObject({
  ports: listOf(port),
  rules: l7Rules.nullish(),
  terminatingTLS: unsupported,
  originatingTLS: unsupported,
  listener: unsupported,
  serverNames: unsupported,
});

/** Deny entries close ports; L7 rules beside them have an error of their own. */
const toPortsDeny = toPorts.extend({ rules: ignored });

const ingressPeers = {
  fromEndpoints: listOf(selector),
  fromCIDR: listOf(text),
  fromCIDRSet: listOf(cidrSet),
  fromEntities: listOf(text),
  fromRequires: unsupported,
  fromNodes: unsupported,
  fromGroups: unsupported,
  icmps: unsupported,
  authentication: z.unknown().optional(),
};

const egressPeers = {
  toEndpoints: listOf(selector),
  toCIDR: listOf(text),
  toCIDRSet: listOf(cidrSet),
  toEntities: listOf(text),
  toRequires: unsupported,
  toServices: unsupported,
  toFQDNs: unsupported,
  toNodes: unsupported,
  toGroups: unsupported,
  icmps: unsupported,
  authentication: z.unknown().optional(),
};

const allowPorts = { toPorts: listOf(toPorts) };
const denyPorts = { toPorts: listOf(toPortsDeny) };

/** One rule: a subject, and what may and may not reach it or be reached by it. */
export const ruleSchema = z.strictObject({
  endpointSelector: selector.nullish(),
  nodeSelector: unsupported,
  ingress: listOf(z.strictObject({ ...ingressPeers, ...allowPorts })),
  ingressDeny: listOf(z.strictObject({ ...ingressPeers, ...denyPorts })),
  egress: listOf(z.strictObject({ ...egressPeers, ...allowPorts })),
  egressDeny: listOf(z.strictObject({ ...egressPeers, ...denyPorts })),
  enableDefaultDeny: z.strictObject({
    ingress: z.boolean().nullish(),
    egress: z.boolean().nullish(),
  }).nullish(),
  labels: ignored,
  description: text.nullish(),
  log: ignored,
});

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
});

/** A bare list of rules, which has no namespace. */
export const ruleListSchema = z.array(ruleSchema);

/** What a policy file may hold. */
export const policySchema = z.union([objectSchema, ruleListSchema]);
