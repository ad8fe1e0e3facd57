/**
 * Pods as their authors write them, of every kind of owner.
 *
 * @module
 */
import type { KubeObject } from "./cluster.ts";

const APP = {
  name: "app",
  image: "memcached:1.6",
  ports: [{ name: "cache", containerPort: 11211 }],
};

/** An app that the restricted profile lets in. */
const RESTRICTED_APP = {
  ...APP,
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: "RuntimeDefault" },
  },
};

/** What is unusual about a pod's metadata. */
export interface PodMetadata {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** A pod in a namespace; `metadata` and `spec` go over what is usual. */
export function pod(
  namespace: string,
  metadata: PodMetadata = {},
  spec: object = {},
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace,
      generateName: "cache-",
      labels: { app: "memcached" },
      annotations: { "parley.dev/ports": "11211" },
      ...metadata,
    },
    spec: { containers: [APP], ...spec },
  };
}

/** As a controller makes it. */
function owned(kind: string, apiVersion = "apps/v1") {
  const uid = "6f0f7ab4-6d3e-4d8c-9d40-6b0f4ad0c1de";
  return {
    ownerReferences: [{
      apiVersion,
      kind,
      name: "cache",
      uid,
      controller: true,
    }],
  };
}

/** By name: what a pod is like, and why it is here. */
export const PODS: Readonly<
  Record<string, { metadata?: PodMetadata; spec?: object }>
> = {
  "a pod of its own": { metadata: { name: "single" } },
  "a pod of a ReplicaSet": { metadata: owned("ReplicaSet") },
  "a pod of a StatefulSet": {
    metadata: { ...owned("StatefulSet"), name: "cache-0" },
    spec: {
      hostname: "cache-0",
      subdomain: "cache",
      volumes: [{ name: "data", emptyDir: {} }],
    },
  },
  "a pod of a DaemonSet": {
    metadata: owned("DaemonSet"),
    spec: {
      tolerations: [{ operator: "Exists", effect: "NoExecute" }],
      nodeSelector: { disk: "fast" },
    },
  },
  "a pod of a Job": {
    metadata: owned("Job", "batch/v1"),
    spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 5 },
  },
  "a pod with init containers, and a sidecar of its own": {
    spec: {
      initContainers: [
        { name: "setup", image: "busybox" },
        { name: "agent", image: "agent", restartPolicy: "Always" },
      ],
    },
  },
  "a pod with probes of every kind": {
    spec: {
      containers: [
        { ...APP, readinessProbe: { tcpSocket: { port: "cache" } } },
        { name: "web", image: "web", livenessProbe: { httpGet: { port: 80 } } },
        {
          name: "program",
          image: "program",
          startupProbe: { exec: { command: ["true"] } },
        },
      ],
    },
  },
  "a pod whose author asks for much": {
    metadata: {
      annotations: {
        "parley.dev/ports": "all",
        "parley.dev/egress-ports": "9042",
        "parley.dev/exclude-ports": "22,8080-8090",
        "parley.dev/exclude-uids": "1000",
        "parley.dev/mode": "audit",
        "parley.dev/memory": "1Gi",
        "parley.dev/parsers-configmap": "parsers",
        "parley.dev/policies-configmap": "policies",
      },
    },
  },
  "a pod without redirection": {
    metadata: { annotations: { "parley.dev/ports": "11311:11211" } },
    spec: { containers: [RESTRICTED_APP] },
  },
};
