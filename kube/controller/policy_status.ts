/**
 * The status of a policy, made of what is known of it. Pure.
 *
 * @module
 */
import type { Problem } from "../../policy/mod.ts";
import { problemText } from "../../policy/problem.ts";
import {
  type Condition,
  type PolicyStatus,
  STATUS_LIST_MAX,
  statusSchema,
} from "../crd/status.ts";

/** What is known of a policy. */
export interface PolicyReport {
  readonly generation: number;
  readonly problems: readonly Problem[];
  /** Pods with a sidecar that it selects, as `NAMESPACE/NAME`. */
  readonly pods: readonly string[];
  /** Pods that have to be created anew for it to hold, and why. */
  readonly lacking: readonly Lack[];
}

export interface Lack {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  readonly why: string;
}

/** Of a condition's message; the lists have the rest. */
const MESSAGE_MAX = 1024;

/** @param before what the policy has now; of conditions that stay as they are, the time stays */
export function policyStatus(
  { generation, problems, pods, lacking }: PolicyReport,
  before: unknown,
  now: Date,
): PolicyStatus {
  const errors = problems.filter(({ severity }) => severity === "error");
  const partly = problems.filter(({ code }) => code.startsWith("partly."))
    .map(({ message, path }) => `${message} (${path})`);
  const texts = problems.map(problemText);
  const condition = (
    type: string,
    holds: boolean,
    reason: string,
    message: string,
  ): Condition => ({
    type,
    status: holds ? "True" : "False",
    reason,
    message: message.slice(0, MESSAGE_MAX),
    lastTransitionTime: "",
    observedGeneration: generation,
  });
  const conditions = [
    errors.length === 0 ? condition("Accepted", true, "Loads", "") : condition(
      "Accepted",
      false,
      "Refused",
      `sidecars keep the last good version: ${
        errors.map(problemText).join("; ")
      }`,
    ),
    condition(
      "PartlyEnforced",
      partly.length > 0,
      partly.length > 0 ? "BeyondSidecars" : "Wholly",
      partly.join("; "),
    ),
    condition(
      "MustRestart",
      lacking.length > 0,
      lacking.length > 0 ? "PodsNotRedirected" : "AllRedirected",
      lacking.map(lackText).join("; "),
    ),
  ];
  return {
    observedGeneration: generation,
    conditions: withTimes(conditions, before, now),
    problems: texts.slice(0, STATUS_LIST_MAX),
    partly: partly.slice(0, STATUS_LIST_MAX),
    pods: pods.length,
    podNames: [...pods].sort().slice(0, STATUS_LIST_MAX),
    mustRestart: lacking.length,
    mustRestartNames: lacking.map(lackText).sort().slice(0, STATUS_LIST_MAX),
  };
}

export function lackText({ pod, why }: Lack): string {
  return `pod ${pod} must restart: ${why}`;
}

function withTimes(
  conditions: readonly Condition[],
  before: unknown,
  now: Date,
): Condition[] {
  const { data } = statusSchema.safeParse(before ?? {});
  return conditions.map((condition) => {
    const old = data?.conditions?.find(({ type, status }) =>
      type === condition.type && status === condition.status
    );
    const time = now.toISOString().replace(/\.\d+Z/, "Z");
    return {
      ...condition,
      lastTransitionTime: old?.lastTransitionTime ?? time,
    };
  });
}

/** Whether the API server has this status already. */
export function isSameStatus(before: unknown, status: PolicyStatus): boolean {
  return canonical(before) === canonical(status);
}

/** The same text for the same value, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(
          Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1),
        )
        : part,
  ) ?? "";
}
