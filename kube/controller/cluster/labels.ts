/**
 * The labels by which policies know a pod.
 *
 * @module
 */
import {
  NAMESPACE_KEY,
  NAMESPACE_LABELS_PREFIX,
} from "../../../policy/labels.ts";
import type { PodFacts } from "./facts.ts";

/** Says by which service account a workload runs. */
const SERVICE_ACCOUNT_KEY = "io.cilium.k8s.policy.serviceaccount";
/** Labels that say what only the cluster may say begin so. */
const RESERVED_PREFIX = "io.cilium.k8s.";

/**
 * A pod's own labels, and what the cluster adds: the labels of its namespace,
 * and its service account. Whoever may write a pod must not give it those of
 * another namespace, so its own labels of these names do not count.
 */
export function podLabels(
  { labels, serviceAccount = "default" }: PodFacts,
  namespaceLabels: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own = Object.entries(labels).filter(([key]) =>
    key !== NAMESPACE_KEY && !key.startsWith(RESERVED_PREFIX) &&
    !key.includes(":") // a source, such as reserved:host, is not the author's to name
  );
  const ofNamespace = Object.entries(namespaceLabels)
    .map(([key, value]) => [NAMESPACE_LABELS_PREFIX + key, value] as const);
  return Object.fromEntries([
    ...own,
    ...ofNamespace,
    [SERVICE_ACCOUNT_KEY, serviceAccount] as const,
  ].sort(([a], [b]) => a < b ? -1 : 1));
}
