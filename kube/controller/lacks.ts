/**
 * What pods lack for the policies that select them to hold: redirected ports,
 * or a sidecar at all. Kept up to date pod by pod.
 *
 * @module
 */
import { parseLabels } from "../../policy/labels.ts";
import { endpointLabels } from "../../policy/mod.ts";
import type { Rule } from "../../policy/rule.ts";
import { formatPorts } from "../../proxy/redirect/ports.ts";
import { INJECT, PREFIX } from "../inject/names.ts";
import { SYSTEM_NAMESPACES } from "../webhook/review.ts";
import { podLabels } from "./cluster/labels.ts";
import { missingPorts, needsOf } from "./needs.ts";
import type { Pod } from "./read_objects.ts";

/** Whether a pod's author, or its namespace's, asks for a sidecar. */
export function isGuarded(
  pod: Pod,
  namespace: Readonly<Record<string, string>> | undefined,
): boolean {
  if (pod.isExempt || SYSTEM_NAMESPACES.includes(pod.namespace)) return false;
  const asked = namespace?.[INJECT];
  if (asked === "disabled") return false;
  return asked !== undefined || pod.labels[INJECT] !== undefined;
}

/** Whether it has come to its end: nobody reaches it, and it reaches nobody. */
export function isOver({ phase }: Pod): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

export const NO_SIDECAR = "it has no sidecar";

/** What a pod lacks for these rules of one policy; nothing if they hold. */
export function lackOf(
  pod: Pod,
  namespace: Readonly<Record<string, string>>,
  rules: readonly Rule[],
): string | undefined {
  if (isOver(pod)) return undefined;
  if (!pod.isInjected) {
    return isGuarded(pod, namespace) ? NO_SIDECAR : undefined;
  }
  const texts = endpointLabels(podLabels(pod, namespace), pod.namespace);
  const labels = parseLabels(texts);
  const parts = (["ingress", "egress"] as const).flatMap((direction) => {
    const needs = needsOf(rules, labels, direction, pod.ports ?? []);
    const missing = missingPorts(
      needs,
      pod.redirected[direction],
      pod.isChosen,
    );
    if (missing.length === 0) return [];
    const way = direction === "ingress" ? "come in" : "go out";
    return `connections that ${way} at ${
      missing.length === 1 && missing[0]!.first === missing[0]!.last
        ? "port"
        : "ports"
    } ${formatPorts(missing)} pass by its sidecar`;
  });
  if (parts.length === 0) return undefined;
  const advice = pod.isChosen
    ? ` (its ${PREFIX}ports or ${PREFIX}egress-ports leave them out)`
    : "";
  return parts.join(", ") + advice;
}
