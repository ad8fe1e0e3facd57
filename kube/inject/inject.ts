/**
 * A pod in, the pod with its sidecar out. Pure: the same pod and options give
 * the same answer, and an injected pod given again comes out as it is.
 *
 * @module
 */
import {
  redirection,
  sidecar,
  type SidecarKind,
  volumes,
} from "./containers.ts";
import { CONFIG, CONTROLLER_CA, INJECT, INJECTED, PREFIX } from "./names.ts";
import { parleyConfig } from "./parley_config.ts";
import { type Pod, type Probe, readPod } from "./pod.ts";
import type { Ports } from "./ports.ts";
import { type ProbesBefore, throughSidecar, withProbes } from "./probes.ts";
import { Refused } from "./refused.ts";
import { refusals, takenProbes, warnings } from "./refusals.ts";
import { readSettings, readWish, type Settings } from "./settings.ts";
import { undo, writeUndo } from "./undo.ts";

export type { SidecarKind } from "./containers.ts";
export type { Pod } from "./pod.ts";

export interface InjectOptions {
  /** The sidecar's image, unless the pod names another. */
  readonly image: string;
  /** `native` from Kubernetes 1.29 on. */
  readonly sidecar: SidecarKind;
  /**
   * What the policies that select the pod need redirected, for a pod that names
   * no ports itself. Absent: the policies are not known.
   */
  readonly policyPorts?: { readonly ingress?: Ports; readonly egress?: Ports };
  /** Whom sidecars hear of policies and of each other from. */
  readonly controller?: {
    /** `https://host:port`. */
    readonly url: string;
    /** PEM of the authority that signs its certificates. */
    readonly ca: string;
  };
}

/** Why a pod is left as it is, in words for its author. */
export const SKIPPED = {
  disabled: `the pod says ${INJECT}: disabled`,
  mirror: "the pod is the mirror of one that a node runs from a file",
  unselected: `no policy selects the pod, and it has no ${PREFIX}ports`,
} as const;

export type Injection =
  | {
    readonly kind: "injected";
    readonly pod: Pod;
    readonly warnings: readonly string[];
  }
  | { readonly kind: "skipped"; readonly reason: keyof typeof SKIPPED }
  | { readonly kind: "refused"; readonly faults: readonly string[] };

/** Decides about one pod, or template of pods. */
export function inject(value: unknown, options: InjectOptions): Injection {
  try {
    return decide(undo(readPod(value)), options);
  } catch (error) {
    if (error instanceof Refused) {
      return { kind: "refused", faults: error.faults };
    }
    throw error;
  }
}

function decide(pod: Pod, options: InjectOptions): Injection {
  const annotations = pod.metadata?.annotations ?? {};
  if (annotations[MIRROR] !== undefined) {
    return { kind: "skipped", reason: "mirror" };
  }
  const faults: string[] = [];
  const wish = readWish(pod.metadata?.labels ?? {}, annotations, faults);
  if (faults.length === 0 && wish === "disabled") {
    return { kind: "skipped", reason: "disabled" };
  }
  const settings = withPolicyPorts(readSettings(annotations, faults), options);
  if (faults.length > 0) throw new Refused(faults);
  if (!settings.ingress && !settings.egress) {
    if (options.policyPorts) return { kind: "skipped", reason: "unselected" };
    throw new Refused([NO_PORTS]);
  }
  faults.push(...refusals(pod, settings, options.sidecar));
  if (faults.length > 0) throw new Refused(faults);
  return {
    kind: "injected",
    pod: injected(pod, settings, options),
    warnings: warnings(pod, settings, options.sidecar),
  };
}

/** The kubelet's own, on what it shows of a static pod. */
const MIRROR = "kubernetes.io/config.mirror";

const NO_PORTS =
  `the pod names no port to guard: add the annotation ${PREFIX}ports, such as "11211" or all, or ${INJECT}: disabled`;

function withPolicyPorts(
  settings: Settings,
  { policyPorts }: InjectOptions,
): Settings {
  if (settings.ingress || settings.egress || !policyPorts) return settings;
  const { ingress, egress } = policyPorts;
  return {
    ...settings,
    ...(ingress ? { ingress: { by: "redirect", ports: ingress } } : {}),
    ...(egress ? { egress } : {}),
  };
}

function injected(
  pod: Pod,
  settings: Settings,
  options: InjectOptions,
): Pod {
  const image = settings.image ?? options.image;
  const first = redirection(settings, image);
  const { controller } = options;
  const hasController = controller !== undefined;
  const own = sidecar(
    settings,
    image,
    options.sidecar,
    hasController,
  ) as { name: string };
  const probes = changedProbes(pod, settings);
  const { metadata, spec, ...rest } = withProbes(pod, probes.after);
  const initContainers = [
    ...(first ? [first as { name: string }] : []),
    ...(options.sidecar === "native" ? [own] : []),
    ...spec.initContainers ?? [],
  ];
  return {
    ...rest,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata?.annotations,
        [CONFIG]: parleyConfig(pod, settings, probes.ports, controller?.url),
        ...(controller ? { [CONTROLLER_CA]: controller.ca } : {}),
        [INJECTED]: writeUndo(pod, probes.before),
      },
    },
    spec: {
      ...spec,
      ...(initContainers.length > 0 ? { initContainers } : {}),
      containers: [
        ...(options.sidecar === "container" ? [own] : []),
        ...spec.containers,
      ],
      volumes: [...spec.volumes ?? [], ...volumes(settings, hasController)],
    },
  };
}

/** TCP probes of redirected ports, as they are and as they are to be, and those ports. */
function changedProbes(
  pod: Pod,
  settings: Settings,
): {
  readonly before: ProbesBefore;
  readonly after: ProbesBefore;
  readonly ports: readonly number[];
} {
  const changed = takenProbes(pod, settings)
    .filter(({ by }) => by === "tcpSocket");
  // A container may be named `constructor`.
  const before: Record<string, Record<string, Probe>> = Object.create(null);
  const after: Record<string, Record<string, Probe>> = Object.create(null);
  for (const { container, kind, probe, port } of changed) {
    (before[container] ??= {})[kind] = probe;
    (after[container] ??= {})[kind] = throughSidecar(probe, port);
  }
  const ports = new Set(changed.map(({ port }) => port));
  return { before, after, ports: [...ports].sort((a, b) => a - b) };
}
