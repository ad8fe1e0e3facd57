/**
 * The ports of a pod that is about to be: those that the policies which select
 * it need redirected.
 *
 * @module
 */
import { parseLabels } from "../../policy/labels.ts";
import { endpointLabels } from "../../policy/mod.ts";
import type { Rule } from "../../policy/rule.ts";
import type { KubeClient } from "../client/client.ts";
import { follow } from "../client/follow.ts";
import type { NamespaceFacts } from "../controller/cluster/facts.ts";
import { podLabels } from "../controller/cluster/labels.ts";
import { policyId, readPolicy } from "../controller/cluster/read_policy.ts";
import { followPolicies } from "../controller/follow_policies.ts";
import { needsOf, portsFor } from "../controller/needs.ts";
import {
  type Pod,
  readNamespace,
  readPod,
} from "../controller/read_objects.ts";
import type { InjectOptions } from "../inject/inject.ts";

export interface PolicyPortsOptions {
  readonly client: KubeClient;
  readonly log: { info(message: string): void; warn(message: string): void };
  readonly signal: AbortSignal;
}

/** Follows policies and namespaces; a lost connection leaves what was known last. */
export class PolicyPorts {
  readonly #rules = new Map<string, readonly Rule[]>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #waiting = new Set(["policies", "namespaces"]);

  /** Whether all policies and namespaces are known that there were at the start. */
  get isSynced(): boolean {
    return this.#waiting.size === 0;
  }

  /** Goes on until it is told to stop. */
  async follow(options: PolicyPortsOptions): Promise<void> {
    await Promise.all([
      follow<NamespaceFacts>({
        ...options,
        path: "/api/v1/namespaces",
        read: readNamespace,
        set: ({ name, labels }) => this.#namespaces.set(name, labels),
        remove: ({ name }) => this.#namespaces.delete(name),
        synced: () => this.#waiting.delete("namespaces"),
      }),
      followPolicies({
        ...options,
        set: (policy) => {
          this.#rules.set(policyId(policy), readPolicy(policy, {}).rules);
        },
        remove: (name) => this.#rules.delete(policyId(name)),
        pruned: () => {},
        synced: () => this.#waiting.delete("policies"),
      }),
    ]);
  }

  /** Nothing while the policies are not known, or if this is no pod. */
  of(object: unknown, namespace: string): InjectOptions["policyPorts"] {
    const pod = this.isSynced ? tryRead(object) : undefined;
    if (!pod) return undefined;
    const ofNamespace = this.#namespaces.get(namespace) ?? {};
    const labels = parseLabels(
      endpointLabels(podLabels(pod, ofNamespace), namespace),
    );
    const rules = [...this.#rules.values()].flat();
    const of = (direction: "ingress" | "egress") => {
      const needs = needsOf(rules, labels, direction, pod.ports ?? []);
      return needs && portsFor(needs);
    };
    const [ingress, egress] = [of("ingress"), of("egress")];
    return { ...(ingress ? { ingress } : {}), ...(egress ? { egress } : {}) };
  }
}

/** What is malformed is refused elsewhere, in words. */
function tryRead(object: unknown): Pod | undefined {
  try {
    return readPod(object as object);
  } catch {
    return undefined;
  }
}
