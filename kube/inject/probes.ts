/**
 * The kubelet's probes of the workload. A TCP probe of a port that is redirected
 * would be answered by the sidecar, whether or not the workload lives; so it
 * becomes a question to the sidecar, which dials the workload.
 *
 * @module
 */
import { CHECK_PORT } from "./names.ts";
import { type Container, type Pod, type Probe, PROBES } from "./pod.ts";

/** A probe of the kubelet's, and where it leads. */
export interface Probed {
  readonly container: string;
  readonly kind: (typeof PROBES)[number];
  readonly probe: Probe;
  /** How it asks; `exec` opens no port. */
  readonly by: "tcpSocket" | "httpGet" | "grpc";
  readonly port: number;
}

/** The probes of a container that open one of the pod's ports. */
export function probesOf(container: Container): Probed[] {
  return PROBES.flatMap((kind) => {
    const probe = container[kind];
    if (!probe) return [];
    const { tcpSocket, httpGet, grpc } = probe;
    const action = tcpSocket ?? httpGet;
    // `host` is another place than the pod.
    if (!action ? !grpc : action.host) return [];
    const port = resolve(container, action?.port ?? grpc!.port);
    if (port === undefined) return [];
    const by = tcpSocket ? "tcpSocket" : httpGet ? "httpGet" : "grpc";
    return [{ container: container.name, kind, probe, by, port }];
  });
}

/** A port by its number or its name; nothing if the container has no such name. */
function resolve(
  { ports }: Container,
  port: number | string,
): number | undefined {
  if (typeof port === "number") return port;
  return ports?.find(({ name }) => name === port)?.containerPort;
}

/** The same question, put to the sidecar. */
export function throughSidecar(probe: Probe, port: number): Probe {
  const { tcpSocket: _, ...rest } = probe;
  const httpGet = { path: `/ports/${port}`, port: CHECK_PORT, scheme: "HTTP" };
  return { ...rest, httpGet };
}

/** Probes that were changed, as they were: by container, then by kind. */
export type ProbesBefore = Readonly<
  Record<string, Readonly<Record<string, Probe>>>
>;

/** The pod with other probes; containers that `before` does not name stay as they are. */
export function withProbes(pod: Pod, probes: ProbesBefore): Pod {
  const change = (container: Container) =>
    Object.hasOwn(probes, container.name)
      ? { ...container, ...probes[container.name] }
      : container;
  const { initContainers, containers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(initContainers ? { initContainers: initContainers.map(change) } : {}),
      containers: containers.map(change),
    },
  };
}
