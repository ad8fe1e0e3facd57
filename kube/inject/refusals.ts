/**
 * What keeps a pod from being guarded, and what its author should know: one
 * sentence each, with how to mend it.
 *
 * @module
 */
import { formatPorts } from "../../proxy/redirect/ports.ts";
import type { SidecarKind } from "./containers.ts";
import {
  ADMIN_PORT,
  CHECK_PORT,
  EGRESS_PORT,
  INGRESS_PORT,
  PREFIX,
  UID,
} from "./names.ts";
import { containersOf, type Pod } from "./pod.ts";
import { writePorts } from "./ports.ts";
import { type Probed, probesOf } from "./probes.ts";
import { isRedirected, type Settings } from "./settings.ts";
import { isOurs } from "./undo.ts";

/** Why this pod cannot be guarded; empty if it can. */
export function refusals(
  pod: Pod,
  settings: Settings,
  kind: SidecarKind,
): string[] {
  return [
    ...ofThePod(pod, kind),
    ...ofNames(pod),
    ...ofUsers(pod, settings),
    ...ofPorts(pod, settings),
  ];
}

function ofThePod({ spec }: Pod, kind: SidecarKind): string[] {
  const faults: string[] = [];
  if (spec.hostNetwork) {
    faults.push(
      `the pod has the network of its node (hostNetwork), where a redirection would take the node's own connections: leave hostNetwork out, or write ${PREFIX}inject: disabled`,
    );
  }
  if (spec.os?.name === "windows") {
    faults.push(
      `the pod is for Windows, where there is no sidecar: write ${PREFIX}inject: disabled`,
    );
  }
  const ends = (spec.restartPolicy ?? "Always") !== "Always";
  if (ends && kind === "container") {
    faults.push(
      `the pod is to end (restartPolicy: ${spec.restartPolicy}), and on this cluster (before Kubernetes 1.29) its sidecar would not end with it: write ${PREFIX}inject: disabled`,
    );
  }
  return faults;
}

function ofNames(pod: Pod): string[] {
  const taken = [
    ...containersOf(pod).filter(isOurs).map(({ name }) => `container ${name}`),
    ...(pod.spec.volumes ?? []).filter(isOurs)
      .map(({ name }) => `volume ${name}`),
    // What the sidecar keeps to itself: its configuration, the socket of its operator.
    ...containersOf(pod).flatMap(({ volumeMounts }) => volumeMounts ?? [])
      .filter(isOurs).map(({ name }) => `mount of a volume ${name}`),
  ];
  return taken.map((what) =>
    `the pod has a ${what} already, which is the name of one that Parley adds: give it another name`
  );
}

function ofUsers(pod: Pod, { excludeUids }: Settings): string[] {
  const faults: string[] = [];
  const ofPod = pod.spec.securityContext?.runAsUser;
  for (const { name, securityContext } of containersOf(pod)) {
    if ((securityContext?.runAsUser ?? ofPod) === UID) {
      faults.push(
        `container ${name} runs as user ${UID}, which is the sidecar's, whose connections pass by every policy: run it as another user`,
      );
    }
  }
  if (excludeUids.includes(UID)) {
    faults.push(
      `${PREFIX}exclude-uids has ${UID}, which is the sidecar's own and excluded always: leave it out`,
    );
  }
  return faults;
}

/** Ports that the sidecar listens on. */
function ownPorts({ ingress, egress }: Settings): number[] {
  return [
    ADMIN_PORT,
    CHECK_PORT,
    ...ingress?.by === "redirect" ? [INGRESS_PORT] : [],
    ...ingress?.by === "static"
      ? ingress.ports.map(({ listen }) => listen)
      : [],
    ...egress ? [EGRESS_PORT] : [],
  ];
}

function ofPorts(pod: Pod, settings: Settings): string[] {
  const faults: string[] = [];
  const own = ownPorts(settings);
  for (const { name, ports } of containersOf(pod)) {
    for (const { containerPort } of ports ?? []) {
      if (!own.includes(containerPort)) continue;
      faults.push(
        `container ${name} has port ${containerPort}, where the sidecar listens: give it another port`,
      );
    }
  }
  const { ingress, egress } = settings;
  const named: [string, readonly number[]][] = [
    ["ports", ingress ? own.filter((port) => names(ingress, port)) : []],
    [
      "egress-ports",
      egress && egress !== "all"
        ? own.filter((port) => isRedirected(egress, [], port))
        : [],
    ],
  ];
  for (const [annotation, ports] of named) {
    for (const port of ports) {
      faults.push(
        `${PREFIX}${annotation} has ${port}, where the sidecar itself listens: leave it out`,
      );
    }
  }
  return faults;
}

/** Whether the annotation itself names a port of the sidecar's for something else. */
function names(
  ingress: NonNullable<Settings["ingress"]>,
  port: number,
): boolean {
  if (ingress.by === "redirect") {
    return ingress.ports !== "all" && isRedirected(ingress.ports, [], port);
  }
  return (port === ADMIN_PORT || port === CHECK_PORT) &&
    ingress.ports.some(({ listen, workload }) =>
      listen === port || workload === port
    );
}

/** What its author should know. */
export function warnings(
  pod: Pod,
  settings: Settings,
  kind: SidecarKind,
): string[] {
  return [
    ...ofRights(pod),
    ...ofProbes(pod, settings),
    ...ofTraffic(pod, settings, kind),
  ];
}

function ofRights(pod: Pod): string[] {
  return containersOf(pod).flatMap(({ name, securityContext }) => {
    const added = securityContext?.capabilities?.add ?? [];
    const right = securityContext?.privileged
      ? "is privileged"
      : added.find((right) => RIGHTS.has(right.toUpperCase())) &&
        "has NET_ADMIN";
    if (!right) return [];
    return [`container ${name} ${right}, and can undo the redirection`];
  });
}

const RIGHTS: ReadonlySet<string> = new Set([
  "ALL",
  "NET_ADMIN",
  "CAP_NET_ADMIN",
]);

function ofProbes(pod: Pod, settings: Settings): string[] {
  return takenProbes(pod, settings)
    .filter(({ by }) => by !== "tcpSocket")
    .map(({ container, kind, port }) =>
      `the ${kind} of container ${container} comes in at port ${port}, through the sidecar: policies have to allow the node`
    );
}

/** Probes at ports that are redirected. */
export function takenProbes(
  pod: Pod,
  { ingress, excludePorts }: Settings,
): Probed[] {
  if (ingress?.by !== "redirect") return [];
  return containersOf(pod).flatMap(probesOf).filter(({ port }) =>
    isRedirected(ingress.ports, excludePorts, port)
  );
}

function ofTraffic(
  { spec }: Pod,
  { ingress, egress, excludePorts, drainSeconds }: Settings,
  kind: SidecarKind,
): string[] {
  const found: string[] = [];
  if (egress && isRedirected(egress, excludePorts, DNS)) {
    found.push(
      `${PREFIX}egress-ports ${
        writePorts(egress)
      } has port 53, so DNS over UDP is dropped: exclude it with ${PREFIX}exclude-ports, unless no name is looked up`,
    );
  }
  if (egress && kind === "container" && spec.initContainers?.length) {
    found.push(
      "the pod's init containers run before the sidecar, so that what they open to redirected ports is refused",
    );
  }
  if (ingress?.by === "static") {
    const ports = ingress.ports.map(({ workload }) => ({
      first: workload,
      last: workload,
    }));
    found.push(
      `nothing redirects port ${
        formatPorts(ports)
      }: let the workload listen on 127.0.0.1 only, or it is reached past the sidecar`,
    );
  }
  const grace = spec.terminationGracePeriodSeconds ?? 30;
  if (drainSeconds > grace) {
    found.push(
      `${PREFIX}drain-seconds is ${drainSeconds}, and the pod ends after ${grace} (terminationGracePeriodSeconds)`,
    );
  }
  return found;
}

const DNS = 53;
