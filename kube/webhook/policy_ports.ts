/**
 * The ports of a pod that is about to be: those that the policies which select
 * it need redirected.
 *
 * @module
 */
import { parseLabels, selects } from "../../policy/labels.ts";
import { endpointLabels } from "../../policy/mod.ts";
import type { KubeClient } from "../client/client.ts";
import { follow } from "../client/follow.ts";
import type {
  NamespaceFacts,
  PolicyFacts,
  PolicyName,
} from "../controller/cluster/facts.ts";
import { podLabels } from "../controller/cluster/labels.ts";
import {
  policyId,
  type ReadPolicy,
  readPolicy,
  subjectsOf,
  versionToSend,
} from "../controller/cluster/read_policy.ts";
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
  /** As sidecars are sent them. */
  readonly #policies = new Map<string, readonly [PolicyName, ReadPolicy]>();
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
        set: (namespace) => this.setNamespace(namespace),
        remove: ({ name }) => this.#namespaces.delete(name),
        synced: () => this.markSynced("namespaces"),
      }),
      followPolicies({
        ...options,
        set: (policy) => this.setPolicy(policy),
        remove: (name) => this.#policies.delete(policyId(name)),
        pruned: () => {},
        synced: () => this.markSynced("policies"),
      }),
    ]);
  }

  setNamespace({ name, labels }: NamespaceFacts): void {
    this.#namespaces.set(name, labels);
  }

  setPolicy(policy: PolicyFacts): void {
    const id = policyId(policy);
    const [, before] = this.#policies.get(id) ?? [];
    const sent = versionToSend(readPolicy(policy, {}), before);
    this.#policies.set(id, [policy, sent]);
  }

  markSynced(kind: "policies" | "namespaces"): void {
    this.#waiting.delete(kind);
  }

  /**
   * Nothing while the pod's policies are not known, or if this is no pod. Those
   * of a namespace that is not known are not, as policies select by its labels;
   * nor are they when one that may be the pod's cannot be read.
   */
  of(object: unknown, namespace: string): InjectOptions["policyPorts"] {
    const pod = tryRead(object);
    const ofNamespace = this.#namespaces.get(namespace);
    if (!this.isSynced || !pod || !ofNamespace) return undefined;
    const labels = parseLabels(
      endpointLabels(podLabels(pod, ofNamespace), namespace),
    );
    const policies = [...this.#policies.values()];
    const isUnreadable = policies.some(([name, policy]) =>
      !policy.isGood &&
      subjectsOf(name, policy).some((subject) => selects(subject, labels))
    );
    if (isUnreadable) return undefined;
    const rules = policies.flatMap(([, { rules }]) => rules);
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
