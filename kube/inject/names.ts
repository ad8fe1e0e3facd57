/**
 * What is called how in an injected pod.
 *
 * @module
 */
import { DEFAULTS } from "../../proxy/redirect/rules.ts";

/** Keys of annotations and labels that speak to Parley begin so. */
export const PREFIX = "parley.dev/";

/** `enabled` or `disabled`: of a namespace (label) or a pod (label or annotation). */
export const INJECT = `${PREFIX}inject`;

/** What the sidecar reads as its parley.yaml; written at injection. */
export const CONFIG = `${PREFIX}config`;

/** What it takes to undo the injection; written at injection. */
export const INJECTED = `${PREFIX}injected`;

/** PEM of the authority by which the sidecar knows the controller; written at injection. */
export const CONTROLLER_CA = `${PREFIX}controller-ca`;

/** Whom the sidecar's token is for: shown elsewhere, it is worth nothing. */
export const CONTROLLER_AUDIENCE = "parley-controller";

/** The sidecar's container, and the one that redirects before it. */
export const SIDECAR = "parley";
export const REDIRECTION = "parley-redirect";

/** Volumes, and where the sidecar sees them. */
export const VOLUMES = {
  config: { name: "parley-config", path: "/etc/parley" },
  scratch: { name: "parley-tmp", path: "/tmp" },
  policies: { name: "parley-policies", path: "/etc/parley-policies" },
  parsers: { name: "parley-parsers", path: "/etc/parley-parsers" },
  controller: { name: "parley-controller", path: "/etc/parley-controller" },
} as const;

/** The sidecar's user and group; its connections are not redirected. */
export const UID = DEFAULTS.uid;

/** Ports that the sidecar listens on when connections are redirected. */
export const INGRESS_PORT = DEFAULTS.ingressPort;
export const EGRESS_PORT = DEFAULTS.egressPort;

/** The sidecar's admin listener, of which the kubelet asks whether it lives and is ready. */
export const ADMIN_PORT = 15020;

/** Where the kubelet asks whether the workload's ports answer. */
export const CHECK_PORT = 15021;
