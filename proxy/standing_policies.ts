/**
 * Settings of a sidecar that are about policy as a whole (policy semantics,
 * section 7), as documents: what they do is what a policy can do, and the log
 * names them like any other.
 *
 * @module
 */
import type { Source } from "../policy/mod.ts";
import type { Config } from "./config/mod.ts";
import { readPolicyFiles } from "./policy_files.ts";

/** What says which policies there are. */
export type PolicySettings = Pick<
  Config,
  "policies" | "enforcement" | "allowLocalhost" | "admin"
>;

/** The files and folders that hold policies, the folder of those that the admin API keeps among them. */
export function policyPaths(
  { policies, admin }: Pick<Config, "policies" | "admin">,
): string[] {
  return [...policies, ...(admin.policies ? [admin.policies] : [])];
}

/** What the settings add to the policy files. */
export function standingPolicies(
  { enforcement, allowLocalhost }: Pick<
    PolicySettings,
    "enforcement" | "allowLocalhost"
  >,
): Source[] {
  return [
    // Both directions are closed, and opened for nobody.
    ...(enforcement === "always"
      ? [policy("enforcement", { ingress: [{}], egress: [{}] })]
      : []),
    // Neither direction is closed by it.
    ...(allowLocalhost
      ? [policy("allow-localhost", {
        enableDefaultDeny: { ingress: false },
        ingress: [{
          fromEndpoints: [{ matchLabels: { "reserved:host": "" } }],
        }],
      })]
      : []),
  ];
}

/** All documents of a configuration: those of its files, unless nothing is enforced, and what its settings add. @throws {ParleyError} see {@linkcode readPolicyFiles} */
export async function readPolicies(
  config: PolicySettings,
): Promise<Source[]> {
  if (config.enforcement === "never") return [];
  const written = await readPolicyFiles(policyPaths(config));
  return [...written, ...standingPolicies(config)];
}

/** A clusterwide policy for every workload that the sidecar guards. */
function policy(name: string, rule: object): Source {
  return {
    file: `parley.yaml (${name})`,
    text: JSON.stringify({
      apiVersion: "cilium.io/v2",
      kind: "CiliumClusterwideNetworkPolicy",
      metadata: { name },
      spec: { endpointSelector: {}, ...rule },
    }),
  };
}
