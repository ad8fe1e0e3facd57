/**
 * Reviews of policies: those that do not load are refused as they are written,
 * in the words of `parley check`.
 *
 * @module
 */
import type { L7Catalog } from "../../policy/mod.ts";
import { problemText } from "../../policy/problem.ts";
import { judge } from "../controller/judge.ts";
import {
  allowance,
  type Answer,
  answerTo,
  nameOf,
  readReview,
  refusal,
} from "./envelope.ts";

/**
 * Answers one review. Of Cilium's own policies, which may be meant for Cilium
 * alone, none is refused: what is wrong is a warning.
 *
 * @throws {MalformedReview} when it is none
 */
export function answerPolicyReview(value: unknown, catalog: L7Catalog): Answer {
  const review = readReview(value);
  const { object, namespace, resource, subResource } = review.request;
  const what = `${resource.resource} ${
    [namespace, nameOf(object)].filter(Boolean).join("/")
  }`;
  const answer = (
    outcome: Answer["outcome"],
    why: string,
    response: object,
  ) => ({
    review: answerTo(review, response),
    outcome,
    summary: `${what} ${outcome}${why && `: ${why}`}`,
  });
  if (subResource !== "" || !isObject(object)) {
    return answer("accepted", "no policy is written", allowance([]));
  }
  const problems = judge(withoutStatus(object), catalog);
  const texts = problems.map(problemText);
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return answer("accepted", "", allowance(texts));
  if (resource.group === "cilium.io") {
    const warning = "Parley's sidecars cannot enforce this policy";
    return answer(
      "accepted",
      `${errors.length} errors`,
      allowance([warning, ...texts]),
    );
  }
  return answer(
    "refused",
    `${errors.length} errors`,
    refusal(
      422,
      "Invalid",
      `Parley cannot load this policy: ${errors.map(problemText).join("; ")}`,
    ),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The status is the controller's, and can be long. */
function withoutStatus(object: Record<string, unknown>): object {
  const { status: _, ...rest } = object;
  return rest;
}
