/**
 * AdmissionReviews of `admission.k8s.io/v1`: the envelope around a pod, and the
 * answer's.
 *
 * @module
 */
import { z } from "zod";
import {
  inject,
  type Injection,
  type InjectOptions,
  SKIPPED,
} from "../inject/inject.ts";
import { difference } from "../inject/patch.ts";

/** What asks, and about what. */
const review = z.looseObject({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: z.looseObject({
    uid: z.string().min(1).max(256),
    operation: z.string(),
    namespace: z.string().default(""),
    resource: z.looseObject({ group: z.string(), resource: z.string() }),
    subResource: z.string().default(""),
    object: z.unknown(),
  }),
});

/** An AdmissionReview that is none; the message says where. */
export class MalformedReview extends Error {
  override readonly name = "MalformedReview";
}

export interface ReviewOptions extends InjectOptions {
  /** Namespaces whose pods are left alone whatever they say. */
  readonly systemNamespaces: readonly string[];
}

/** What is answered, and what is to be logged of it. */
export interface Answer {
  readonly review: object;
  readonly outcome: Injection["kind"];
  /** In one line, without what is in the pod. */
  readonly summary: string;
}

/** The namespaces of the cluster itself. */
export const SYSTEM_NAMESPACES = [
  "kube-system",
  "kube-public",
  "kube-node-lease",
];

/** Warnings that are handed on; the API server cuts more than 4096 characters. */
const WARNINGS_MAX = 10;

/**
 * Answers one review.
 *
 * @throws {MalformedReview} when it is none
 */
export function answerReview(value: unknown, options: ReviewOptions): Answer {
  const { data, error } = review.safeParse(value);
  if (!data) {
    const [issue] = error.issues;
    throw new MalformedReview(
      `${
        issue!.path.join(".") || "the body"
      } is not as in an AdmissionReview of admission.k8s.io/v1: ${
        issue!.message
      }`,
    );
  }
  const { uid, object, namespace } = data.request;
  const what = `pod ${namespace}/${nameOf(object)}`;
  const answer = (
    outcome: Injection["kind"],
    why: string,
    response: object,
  ) => ({
    review: {
      apiVersion: data.apiVersion,
      kind: data.kind,
      response: { uid, ...response },
    },
    outcome,
    summary: `${what} ${outcome}${why && `: ${why}`}`,
  });
  const wrong = notPods(data.request);
  if (wrong !== undefined) {
    return answer("refused", wrong, refusal(400, "BadRequest", wrong));
  }
  if (options.systemNamespaces.includes(namespace)) {
    return answer("skipped", "a namespace of the system", { allowed: true });
  }
  const injection = inject(object, options);
  switch (injection.kind) {
    case "injected": {
      const patch = difference(object, injection.pod);
      const warnings = injection.warnings.slice(0, WARNINGS_MAX);
      return answer("injected", "", {
        allowed: true,
        ...(warnings.length > 0 ? { warnings } : {}),
        ...(patch.length > 0
          ? { patchType: "JSONPatch", patch: encode(patch) }
          : {}),
      });
    }
    case "skipped":
      return answer("skipped", SKIPPED[injection.reason], { allowed: true });
    case "refused": {
      const why = injection.faults.join("; ");
      const message = `Parley cannot guard this pod: ${why}`;
      return answer("refused", why, refusal(403, "Forbidden", message));
    }
  }
}

type Request = z.output<typeof review>["request"];

/** Why this is none of the webhook's business; nothing if it is. */
function notPods(
  { resource, subResource, operation }: Request,
): string | undefined {
  const isPod = resource.group === "" && resource.resource === "pods" &&
    subResource === "";
  if (isPod && operation === "CREATE") return undefined;
  const what = [resource.resource, subResource].filter(Boolean).join("/");
  return `Parley's webhook is for the creation of pods, and was asked about ${operation} of ${what}: correct the rules of its MutatingWebhookConfiguration`;
}

function refusal(code: number, reason: string, message: string): object {
  return { allowed: false, status: { code, reason, message } };
}

/** Pods of controllers have no name yet. */
function nameOf(pod: unknown): string {
  const { metadata } = (pod ?? {}) as {
    metadata?: { name?: unknown; generateName?: unknown };
  };
  const name = metadata?.name ?? metadata?.generateName;
  return typeof name === "string" ? name.slice(0, 253) : "?";
}

function encode(patch: readonly unknown[]): string {
  return new TextEncoder().encode(JSON.stringify(patch)).toBase64();
}
