/**
 * The containers and volumes that an injected pod has more.
 *
 * Every field that the API server would fill in is written out, so that what it
 * shows at a second call is what was given at the first.
 *
 * @module
 */
import {
  ADMIN_PORT,
  CHECK_PORT,
  CONFIG,
  CONTROLLER_AUDIENCE,
  CONTROLLER_CA,
  REDIRECTION,
  SIDECAR,
  UID,
  VOLUMES,
} from "./names.ts";
import { writePorts } from "./ports.ts";
import type { Settings } from "./settings.ts";

/** How the sidecar is started: by the kubelet before the others, or beside them. */
export type SidecarKind = "native" | "container";

const TERMINATION = {
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

/** What the *restricted* Pod Security Standard asks for, and a file system that nothing writes. */
const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
  runAsGroup: UID,
  runAsNonRoot: true,
  runAsUser: UID,
  seccompProfile: { type: "RuntimeDefault" },
};

/** The sidecar itself. */
export function sidecar(
  settings: Settings,
  image: string,
  kind: SidecarKind,
  hasController: boolean,
): Record<string, unknown> {
  return {
    name: SIDECAR,
    image,
    imagePullPolicy: "IfNotPresent",
    args: ["run", "-c", `${VOLUMES.config.path}/parley.yaml`],
    resources: {
      limits: { memory: settings.memory },
      requests: { cpu: settings.cpu, memory: settings.memory },
    },
    securityContext: RESTRICTED,
    ...TERMINATION,
    volumeMounts: mounts(settings, hasController),
    startupProbe: probe("/readyz", { periodSeconds: 1, failureThreshold: 60 }),
    livenessProbe: probe("/healthz", {
      periodSeconds: 10,
      failureThreshold: 3,
    }),
    readinessProbe: probe("/readyz", { periodSeconds: 5, failureThreshold: 3 }),
    ...(kind === "native"
      ? { restartPolicy: "Always" }
      // The others are told to end at the same moment: they are served meanwhile.
      : {
        lifecycle: {
          preStop: { exec: { command: ["sleep", `${settings.drainSeconds}`] } },
        },
      }),
  };
}

/** The container that redirects and proves it, before anything of the workload runs. */
export function redirection(
  settings: Settings,
  image: string,
): Record<string, unknown> | undefined {
  const args = redirectArguments(settings);
  if (!args) return undefined;
  return {
    name: REDIRECTION,
    image,
    imagePullPolicy: "IfNotPresent",
    command: [
      ...["deno", "run", "-q", "--cached-only", "--no-prompt", "-P=redirect"],
      ...["main.ts", "redirect", "apply"],
    ],
    args,
    resources: {
      limits: { memory: "256Mi" },
      requests: { cpu: "10m", memory: "64Mi" },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW", "SETUID"], drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...TERMINATION,
  };
}

/** Options of `parley redirect apply`; nothing if nothing is redirected. */
function redirectArguments(
  { ingress, egress, excludePorts, excludeUids }: Settings,
): string[] | undefined {
  const taken = ingress?.by === "redirect" ? ingress.ports : undefined;
  const ports = taken ?? egress;
  if (ports === undefined) return undefined;
  const isAll = taken === "all" || egress === "all";
  const excluded = [...excludePorts, { first: ADMIN_PORT, last: CHECK_PORT }];
  return [
    ...["--ports", writePorts(ports)],
    ...(taken && egress ? ["--egress-ports", writePorts(egress)] : []),
    ...(isAll ? ["--exclude-ports", writePorts(excluded)] : []),
    "--direction",
    taken && egress ? "both" : taken ? "ingress" : "egress",
    ...["--uid", `${UID}`],
    ...(excludeUids.length > 0
      ? ["--exclude-uids", excludeUids.join(",")]
      : []),
  ];
}

interface Volume {
  readonly name: string;
  readonly [source: string]: unknown;
}

/** What the sidecar mounts. */
export function volumes(settings: Settings, hasController: boolean): Volume[] {
  const { policiesConfigMap, parsersConfigMap } = settings;
  return [
    {
      name: VOLUMES.config.name,
      downwardAPI: {
        defaultMode: 0o444,
        items: [
          field("parley.yaml", `metadata.annotations['${CONFIG}']`),
          field("labels", "metadata.labels"),
          field("name", "metadata.name"),
          field("namespace", "metadata.namespace"),
        ],
      },
    },
    { name: VOLUMES.scratch.name, emptyDir: { sizeLimit: "64Mi" } },
    ...policiesConfigMap === undefined
      ? []
      : [configMap(VOLUMES.policies.name, policiesConfigMap)],
    ...parsersConfigMap === undefined
      ? []
      : [configMap(VOLUMES.parsers.name, parsersConfigMap)],
    ...hasController ? [CONTROLLER] : [],
  ];
}

/** The kubelet replaces a token in time. */
const TOKEN_SECONDS = 3600;

/** By what the sidecar is known to the controller, and the controller to it. */
const CONTROLLER: Volume = {
  name: VOLUMES.controller.name,
  projected: {
    defaultMode: 0o444,
    sources: [
      {
        serviceAccountToken: {
          audience: CONTROLLER_AUDIENCE,
          expirationSeconds: TOKEN_SECONDS,
          path: "token",
        },
      },
      {
        downwardAPI: {
          items: [
            field("ca.crt", `metadata.annotations['${CONTROLLER_CA}']`),
          ],
        },
      },
    ],
  },
};

function mounts(settings: Settings, hasController: boolean): object[] {
  return volumes(settings, hasController).map(({ name }) => {
    const { path } = Object.values(VOLUMES).find((one) => one.name === name)!;
    return name === VOLUMES.scratch.name
      ? { mountPath: path, name }
      : { mountPath: path, name, readOnly: true };
  });
}

function field(path: string, fieldPath: string): object {
  return { fieldRef: { apiVersion: "v1", fieldPath }, path };
}

function configMap(name: string, of: string): Volume {
  return { name, configMap: { defaultMode: 0o444, name: of } };
}

function probe(
  path: string,
  timing: { periodSeconds: number; failureThreshold: number },
): object {
  return {
    httpGet: {
      // The pod's address, which the kubelet would name, is not known beforehand.
      httpHeaders: [{ name: "Host", value: "localhost" }],
      path,
      port: ADMIN_PORT,
      scheme: "HTTP",
    },
    successThreshold: 1,
    timeoutSeconds: 3,
    ...timing,
  };
}
