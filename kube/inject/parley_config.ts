/**
 * The parley.yaml of an injected sidecar. It travels as an annotation of the
 * pod, which the kubelet shows the sidecar as a file: no object of its own has
 * to be made, found or cleaned up.
 *
 * @module
 */
import { stringify } from "yaml";
import {
  ADMIN_PORT,
  CHECK_PORT,
  EGRESS_PORT,
  INGRESS_PORT,
  VOLUMES,
} from "./names.ts";
import { containersOf, type Pod } from "./pod.ts";
import { readMemory } from "./quantity.ts";
import type { Ingress, Settings } from "./settings.ts";

/** What the supervisor and a checker need beside the worker. */
const BESIDE_THE_WORKER = 192 * 2 ** 20;

/**
 * The text of the file. The same arguments give the same text.
 *
 * @param checkedPorts those of which the kubelet asks
 * @param controller where it is, if there is one
 */
export function parleyConfig(
  pod: Pod,
  settings: Settings,
  checkedPorts: readonly number[],
  controller: string | undefined,
): string {
  const { policiesConfigMap, parsersConfigMap } = settings;
  const memory = readMemory(settings.memory)!; // settings have been read
  return stringify({
    endpoint: { podInfo: VOLUMES.config.path, ...portNames(pod) },
    listeners: [
      ...settings.ingress ? ingressListeners(settings.ingress) : [],
      ...settings.egress ? [EGRESS] : [],
    ],
    ...(policiesConfigMap === undefined
      ? {}
      : { policies: [VOLUMES.policies.path] }),
    ...(controller === undefined ? {} : {
      controller: {
        url: controller,
        tokenFile: `${VOLUMES.controller.path}/token`,
        caFile: `${VOLUMES.controller.path}/ca.crt`,
        stateFile: `${VOLUMES.scratch.path}/parley-controller.json`,
      },
    }),
    ...(parsersConfigMap === undefined
      ? {}
      : { parsers: { folders: [VOLUMES.parsers.path] } }),
    mode: settings.mode,
    log: { level: settings.logLevel },
    admin: {
      listen: `[::]:${ADMIN_PORT}`,
      // Nobody puts one there: over TCP there are the probes, and nothing else.
      tokenFile: `${VOLUMES.config.path}/token`,
    },
    ...(checkedPorts.length === 0
      ? {}
      : { portChecks: { listen: `[::]:${CHECK_PORT}`, ports: checkedPorts } }),
    limits: {
      drain: `${settings.drainSeconds}s`,
      workerBytes: memory - BESIDE_THE_WORKER,
    },
  }, { lineWidth: 0 });
}

/** Names that policies may use; of two ports of one name Kubernetes means the first. */
function portNames(pod: Pod): { readonly ports?: Record<string, number> } {
  const named = containersOf(pod).flatMap(({ ports }) => ports ?? [])
    .filter(({ name, protocol }) => name && (protocol ?? "TCP") === "TCP")
    .map(({ name, containerPort }) => [name!, containerPort] as const);
  if (named.length === 0) return {};
  return { ports: Object.fromEntries(named.toReversed()) };
}

/** `[::]` takes IPv4 as well, and is there where a pod has no IPv6. */
const EGRESS = {
  name: "egress",
  direction: "egress",
  listen: `[::]:${EGRESS_PORT}`,
  transparent: true,
  upstream: "original-dst",
};

function ingressListeners(ingress: Ingress): object[] {
  if (ingress.by === "redirect") {
    return [{
      name: "ingress",
      direction: "ingress",
      listen: `[::]:${INGRESS_PORT}`,
      transparent: true,
      upstream: "original-dst",
    }];
  }
  return ingress.ports.map(({ listen, workload }) => ({
    name: `ingress-${workload}`,
    direction: "ingress",
    listen: `[::]:${listen}`,
    upstream: `127.0.0.1:${workload}`,
  }));
}
