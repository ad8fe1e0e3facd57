/**
 * Reviews of pods: the decision of kube/inject in its envelope.
 *
 * @module
 */
import {
  inject,
  type Injection,
  type InjectOptions,
  SKIPPED,
} from "../inject/inject.ts";
import { difference } from "../inject/patch.ts";
import {
  allowance,
  type Answer,
  answerTo,
  nameOf,
  readReview,
  refusal,
  type Review,
} from "./envelope.ts";

export interface ReviewOptions extends InjectOptions {
  /** Namespaces whose pods are left alone whatever they say. */
  readonly systemNamespaces: readonly string[];
  /** What the policies that select a pod of a namespace need redirected; absent while they are not known. */
  readonly portsOf?: (
    pod: unknown,
    namespace: string,
  ) => InjectOptions["policyPorts"];
}

/** The namespaces of the cluster itself. */
export const SYSTEM_NAMESPACES = [
  "kube-system",
  "kube-public",
  "kube-node-lease",
];

/**
 * Answers one review.
 *
 * @throws {MalformedReview} when it is none
 */
export function answerReview(value: unknown, options: ReviewOptions): Answer {
  const review = readReview(value);
  const { object, namespace } = review.request;
  const what = `pod ${namespace}/${nameOf(object)}`;
  const answer = (
    outcome: Injection["kind"],
    why: string,
    response: object,
  ) => ({
    review: answerTo(review, response),
    outcome,
    summary: `${what} ${outcome}${why && `: ${why}`}`,
  });
  const wrong = notPods(review.request);
  if (wrong !== undefined) {
    return answer("refused", wrong, refusal(400, "BadRequest", wrong));
  }
  if (options.systemNamespaces.includes(namespace)) {
    return answer("skipped", "a namespace of the system", allowance([]));
  }
  const policyPorts = options.portsOf?.(object, namespace);
  const injection = inject(
    object,
    policyPorts ? { ...options, policyPorts } : options,
  );
  switch (injection.kind) {
    case "injected": {
      const patch = difference(object, injection.pod);
      return answer(
        "injected",
        "",
        allowance(
          injection.warnings,
          patch.length > 0
            ? { patchType: "JSONPatch", patch: encode(patch) }
            : {},
        ),
      );
    }
    case "skipped":
      return answer("skipped", SKIPPED[injection.reason], allowance([]));
    case "refused": {
      const isUnknown = options.portsOf !== undefined && !policyPorts;
      const faults = [...injection.faults, ...isUnknown ? [NOT_KNOWN] : []];
      const why = faults.join("; ");
      const message = `Parley cannot guard this pod: ${why}`;
      return answer("refused", why, refusal(403, "Forbidden", message));
    }
  }
}

const NOT_KNOWN =
  "what its policies need redirected is not known: one that may be for it does not load, or its namespace is so new that the pod has to be created again";

/** A pod that comes before the controller has ever run would know it by nothing. */
export function answerTooEarly(value: unknown): Answer {
  const review = readReview(value);
  const { object, namespace } = review.request;
  const why =
    "the controller has not said yet by what sidecars are to know it; see that it runs, and create the pod again";
  return {
    review: answerTo(review, refusal(503, "ServiceUnavailable", why)),
    outcome: "refused",
    summary: `pod ${namespace}/${nameOf(object)} refused: ${why}`,
  };
}

/** Why this is none of the webhook's business; nothing if it is. */
function notPods(
  { resource, subResource, operation }: Review["request"],
): string | undefined {
  const isPod = resource.group === "" && resource.resource === "pods" &&
    subResource === "";
  if (isPod && operation === "CREATE") return undefined;
  const what = [resource.resource, subResource].filter(Boolean).join("/");
  return `Parley's webhook is for the creation of pods, and was asked about ${operation} of ${what}: correct the rules of its MutatingWebhookConfiguration`;
}

function encode(patch: readonly unknown[]): string {
  return new TextEncoder().encode(JSON.stringify(patch)).toBase64();
}
