/**
 * A pod's manifest, as far as the kubelet of these tests reads it.
 *
 * @module
 */
import { parse, stringify } from "yaml";
import {
  inject,
  type InjectOptions,
  type Pod,
} from "../../kube/inject/inject.ts";
import { CONFIG } from "../../kube/inject/names.ts";

export interface Manifest {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly initContainers?: readonly Container[];
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
    readonly restartPolicy?: "Always" | "OnFailure" | "Never";
    /** Seconds; 30 where nothing is said. */
    readonly terminationGracePeriodSeconds?: number;
  };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly workingDir?: string;
  readonly resources?: { readonly limits?: { readonly memory?: string } };
  readonly securityContext?: SecurityContext;
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly lifecycle?: {
    readonly preStop?: { readonly exec: { readonly command: string[] } };
  };
  /** Of an init container: it is a sidecar. */
  readonly restartPolicy?: "Always";
}

export interface SecurityContext {
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: {
    readonly add?: readonly string[];
    readonly drop?: readonly string[];
  };
  readonly readOnlyRootFilesystem?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly seccompProfile?: { readonly type: "RuntimeDefault" | "Unconfined" };
}

export interface Probe {
  readonly httpGet?: {
    readonly path: string;
    readonly port: number;
    readonly httpHeaders?: readonly { name: string; value: string }[];
  };
  readonly exec?: { readonly command: readonly string[] };
}

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly downwardAPI?: {
    readonly items: readonly {
      readonly path: string;
      readonly fieldRef: { readonly fieldPath: string };
    }[];
  };
  readonly emptyDir?: object;
  readonly hostPath?: { readonly path: string };
}

/** Who is behind which address: what only the configuration can say without a controller. */
export interface Identity {
  readonly cidr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
}

/** The pod as `kube/inject` makes it, with identities in its sidecar's configuration. */
export function injected(
  pod: Manifest,
  image: string,
  identities: readonly Identity[] = [],
  sidecar: InjectOptions["sidecar"] = "native",
): Manifest {
  const injection = inject(pod as unknown as Pod, { image, sidecar });
  if (injection.kind !== "injected") {
    throw new Error(`not injected: ${JSON.stringify(injection)}`);
  }
  const { metadata, spec } = injection.pod as unknown as Manifest;
  const annotations = metadata.annotations!;
  const config = { ...parse(annotations[CONFIG]!), identities };
  return {
    metadata: {
      ...metadata,
      annotations: { ...annotations, [CONFIG]: stringify(config) },
    },
    spec,
  };
}
