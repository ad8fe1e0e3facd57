/**
 * What the controller keeps of objects of the API server.
 *
 * @module
 */
import { z } from "zod";
import {
  ALL_PORTS,
  type PortRange,
  without,
} from "../../proxy/redirect/ports.ts";
import {
  CONFIG,
  CONTROLLER_CA,
  INJECT,
  INJECTED,
  PREFIX,
  REDIRECTION,
  SIDECAR,
} from "../inject/names.ts";
import { readRanges, readStatic } from "../inject/ports.ts";
import type {
  NamespaceFacts,
  ObjectName,
  PodFacts,
  PolicyFacts,
  PolicyKind,
  ServiceFacts,
} from "./cluster/facts.ts";

const texts = z.record(z.string(), z.string()).nullish();
const metadata = z.looseObject({
  name: z.string().default(""), // a pod that is about to be may have none
  namespace: z.string().optional(),
  uid: z.string().default(""),
  generation: z.int().default(1),
  creationTimestamp: z.string().nullish(),
  labels: texts,
  annotations: texts,
});

const container = z.looseObject({
  name: z.string(),
  args: z.array(z.string()).nullish(),
  ports: z.array(z.looseObject({
    name: z.string().optional(),
    containerPort: z.int(),
    protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
  })).nullish(),
});

const podSchema = z.looseObject({
  metadata,
  spec: z.looseObject({
    nodeName: z.string().optional(),
    serviceAccountName: z.string().optional(),
    hostNetwork: z.boolean().optional(),
    initContainers: z.array(container).nullish(),
    containers: z.array(container),
  }),
  status: z.looseObject({
    phase: z.string().optional(),
    podIPs: z.array(z.looseObject({ ip: z.string().optional() })).nullish(),
  }).optional(),
});

/** A pod, and what its sidecar is given to see. */
export interface Pod extends PodFacts {
  /** Ports that are redirected, or that the sidecar listens for. */
  readonly redirected: {
    readonly ingress: readonly PortRange[];
    readonly egress: readonly PortRange[];
  };
  /** Whether its author named the ports, and not the policies at its creation. */
  readonly isChosen: boolean;
  /** Whether it may go without a sidecar: it says so, or is no pod that could have one. */
  readonly isExempt: boolean;
}

/** Every pod can be read: the API server has checked it. */
export function readPod(object: object): Pod {
  const { metadata, spec, status } = podSchema.parse(object);
  const containers = [...spec.initContainers ?? [], ...spec.containers];
  const annotations = metadata.annotations ?? {};
  const labels = metadata.labels ?? {};
  const redirection = containers.find(({ name }) => name === REDIRECTION);
  const ports = annotations[`${PREFIX}ports`];
  const isHostNetwork = spec.hostNetwork === true;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid,
    ...(metadata.creationTimestamp
      ? { created: metadata.creationTimestamp }
      : {}),
    labels,
    ...(spec.serviceAccountName
      ? { serviceAccount: spec.serviceAccountName }
      : {}),
    ...(spec.nodeName ? { node: spec.nodeName } : {}),
    ips: (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []),
    ...(status?.phase ? { phase: status.phase } : {}),
    isHostNetwork,
    ports: containers.flatMap(({ ports }) => ports ?? [])
      .flatMap(({ name, containerPort, protocol }) =>
        name === undefined ? [] : [{ name, port: containerPort, protocol }]
      ),
    annotations: ownAnnotations(annotations),
    isInjected: annotations[INJECTED] !== undefined &&
      containers.some(({ name }) => name === SIDECAR),
    redirected: redirectedBy(redirection?.args ?? [], ports),
    isChosen: ports !== undefined ||
      annotations[`${PREFIX}egress-ports`] !== undefined,
    isExempt: isHostNetwork || annotations[MIRROR] !== undefined ||
      labels[INJECT] === "disabled" || annotations[INJECT] === "disabled",
  };
}

/** The kubelet's own, on what it shows of a static pod. */
const MIRROR = "kubernetes.io/config.mirror";

const WRITTEN = [CONFIG, CONTROLLER_CA, INJECTED];

/** Those that speak to Parley, without what it wrote itself. */
function ownAnnotations(all: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(all).filter(([key]) =>
      key.startsWith(PREFIX) && !WRITTEN.includes(key)
    ),
  );
}

/** By the arguments of `parley redirect apply`, as kube/inject writes them. */
function redirectedBy(
  args: readonly string[],
  ports: string | undefined,
): Pod["redirected"] {
  const option = (name: string) => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? undefined : args[at + 1];
  };
  const excluded = rangesOf(option("exclude-ports"));
  const taken = without(rangesOf(option("ports")), excluded);
  const leaving = option("egress-ports");
  switch (option("direction")) {
    case "ingress":
      return { ingress: taken, egress: [] };
    case "egress":
      return { ingress: listened(ports), egress: taken };
    case "both":
      return {
        ingress: taken,
        egress: without(rangesOf(leaving), excluded),
      };
    default:
      return { ingress: listened(ports), egress: [] };
  }
}

function rangesOf(text: string | undefined): readonly PortRange[] {
  if (text === "all") return [ALL_PORTS];
  return text === undefined ? [] : readRanges(text) ?? [];
}

/** Ports of the workload at whose place the sidecar listens. */
function listened(text: string | undefined): PortRange[] {
  return (text === undefined ? undefined : readStatic(text))
    ?.map(({ workload }) => ({ first: workload, last: workload })) ?? [];
}

const namespaceSchema = z.looseObject({ metadata });

export function readNamespace(object: object): NamespaceFacts {
  const { name, labels } = namespaceSchema.parse(object).metadata;
  return { name, labels: labels ?? {} };
}

const serviceSchema = z.looseObject({
  metadata,
  spec: z.looseObject({ selector: texts }).optional(),
});

export function readService(object: object): ServiceFacts {
  const { metadata, spec } = serviceSchema.parse(object);
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    labels: metadata.labels ?? {},
    ...(spec?.selector ? { selector: spec.selector } : {}),
  };
}

const sliceSchema = z.looseObject({
  metadata,
  addressType: z.string(),
  endpoints: z.array(z.looseObject({ addresses: z.array(z.string()) }))
    .nullish(),
});

/** Part of the addresses of a service. */
export interface Slice extends ObjectName {
  readonly service: string;
  readonly addresses: readonly string[];
}

/** One that is of no service, or has no addresses but names, is as if it were not there. */
export function readSlice(object: object): Slice | undefined {
  const { metadata, addressType, endpoints } = sliceSchema.parse(object);
  const service = metadata.labels?.["kubernetes.io/service-name"];
  if (service === undefined || addressType === "FQDN") return undefined;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    service,
    addresses: (endpoints ?? []).flatMap(({ addresses }) => addresses),
  };
}

const policySchema = z.looseObject({
  metadata,
  spec: z.unknown().optional(),
  specs: z.unknown().optional(),
  status: z.unknown().optional(),
});

/** A policy, with the status that it has now. */
export interface Policy extends PolicyFacts {
  readonly status: unknown;
}

export function readPolicyObject(kind: PolicyKind, object: object): Policy {
  const { metadata, spec, specs, status } = policySchema.parse(object);
  const { apiVersion } = object as { apiVersion?: unknown };
  const { name, namespace, uid, generation, annotations } = metadata;
  const own = ownAnnotations(annotations ?? {});
  const place = namespace === undefined ? {} : { namespace };
  return {
    kind,
    ...place,
    name,
    uid,
    generation,
    document: {
      apiVersion,
      kind,
      metadata: {
        name,
        ...place,
        ...(Object.keys(own).length > 0 ? { annotations: own } : {}),
      },
      ...(spec === undefined ? {} : { spec }),
      ...(specs === undefined ? {} : { specs }),
    },
    status,
  };
}
