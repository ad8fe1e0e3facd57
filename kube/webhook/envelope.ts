/**
 * AdmissionReviews of `admission.k8s.io/v1`: the envelope around an object, and
 * the answer's.
 *
 * @module
 */
import { z } from "zod";

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

/** What asks, and about what. */
export type Review = z.output<typeof review>;

/** An AdmissionReview that is none; the message says where. */
export class MalformedReview extends Error {
  override readonly name = "MalformedReview";
}

/** What is answered, and what is to be logged of it. */
export interface Answer {
  readonly review: object;
  readonly outcome: "injected" | "skipped" | "accepted" | "refused";
  /** In one line, without what is in the object. */
  readonly summary: string;
}

/** Warnings that are handed on; the API server cuts more than 4096 characters. */
const WARNINGS_MAX = 10;

/** @throws {MalformedReview} when it is none */
export function readReview(value: unknown): Review {
  const { data, error } = review.safeParse(value);
  if (data) return data;
  const [issue] = error.issues;
  throw new MalformedReview(
    `${
      issue!.path.join(".") || "the body"
    } is not as in an AdmissionReview of admission.k8s.io/v1: ${
      issue!.message
    }`,
  );
}

/** The envelope of an answer. */
export function answerTo(
  { apiVersion, kind, request }: Review,
  response: object,
): object {
  return { apiVersion, kind, response: { uid: request.uid, ...response } };
}

export function allowance(
  warnings: readonly string[],
  patch: object = {},
): object {
  const told = warnings.slice(0, WARNINGS_MAX);
  return {
    allowed: true,
    ...(told.length > 0 ? { warnings: told } : {}),
    ...patch,
  };
}

export function refusal(
  code: number,
  reason: string,
  message: string,
): object {
  return { allowed: false, status: { code, reason, message } };
}

/** Objects of controllers have no name yet. */
export function nameOf(object: unknown): string {
  const { metadata } = (object ?? {}) as {
    metadata?: { name?: unknown; generateName?: unknown };
  };
  const name = metadata?.name ?? metadata?.generateName;
  return typeof name === "string" ? name.slice(0, 253) : "?";
}
