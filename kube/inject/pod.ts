/**
 * What is read of a pod, or of a pod template: the shape that it must have for
 * that. Everything else of it is kept as it is.
 *
 * @module
 */
import { z } from "zod";
import { Refused } from "./refused.ts";

const texts = z.record(z.string(), z.string()).nullish();
const portName = z.union([z.int(), z.string()]);

/** A question of the kubelet to a container. */
export const probe = z.looseObject({
  tcpSocket: z.looseObject({
    port: portName,
    host: z.string().nullish(),
  }).nullish(),
  httpGet: z.looseObject({
    port: portName,
    host: z.string().nullish(),
  }).nullish(),
  grpc: z.looseObject({ port: z.int() }).nullish(),
}).nullish();

const container = z.looseObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
  ports: z.array(z.looseObject({
    name: z.string().nullish(),
    containerPort: z.int(),
    protocol: z.string().nullish(),
  })).nullish(),
  securityContext: z.looseObject({
    runAsUser: z.int().nullish(),
    privileged: z.boolean().nullish(),
    capabilities: z.looseObject({ add: z.array(z.string()).nullish() })
      .nullish(),
  }).nullish(),
  volumeMounts: z.array(z.looseObject({ name: z.string() })).nullish(),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
});

const podSchema = z.looseObject({
  metadata: z.looseObject({
    annotations: texts,
    labels: texts,
    name: z.string().nullish(),
    generateName: z.string().nullish(),
  }).nullish(),
  spec: z.looseObject({
    containers: z.array(container).min(1),
    initContainers: z.array(container).nullish(),
    volumes: z.array(z.looseObject({ name: z.string() })).nullish(),
    hostNetwork: z.boolean().nullish(),
    restartPolicy: z.string().nullish(),
    terminationGracePeriodSeconds: z.int().nullish(),
    os: z.looseObject({ name: z.string() }).nullish(),
    securityContext: z.looseObject({ runAsUser: z.int().nullish() }).nullish(),
  }),
});

/** A pod, or a template of pods. */
export type Pod = z.output<typeof podSchema>;
export type Container = z.output<typeof container>;
export type Probe = NonNullable<z.output<typeof probe>>;

/** The kinds of probe that a container may have. */
export const PROBES = [
  "startupProbe",
  "livenessProbe",
  "readinessProbe",
] as const;

/**
 * The value as a pod.
 *
 * @throws {Refused} when it is none
 */
export function readPod(value: unknown): Pod {
  const { success, error } = podSchema.safeParse(value);
  if (success) return value as Pod; // not what zod makes of it: that has another order
  throw new Refused(
    error.issues.map(({ path, message }) =>
      `the pod's ${path.join(".") || "root"} is not as a pod has it: ${message}`
    ),
  );
}

/** Init containers and containers, in the order in which they start. */
export function containersOf({ spec }: Pod): Container[] {
  return [...spec.initContainers ?? [], ...spec.containers];
}
