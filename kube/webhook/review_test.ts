/** What is answered to an AdmissionReview, and what is none. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  throws as assertThrows,
} from "node:assert/strict";
import { inject, type Pod } from "../inject/inject.ts";
import { applyPatch, OPTIONS, podWith } from "../inject/testing.ts";
import { MalformedReview } from "./envelope.ts";
import { answerReview, SYSTEM_NAMESPACES } from "./review.ts";
import { REVIEW, reviewOf } from "./testing.ts";

const REVIEWED = { ...OPTIONS, systemNamespaces: SYSTEM_NAMESPACES };

interface Response {
  uid: string;
  allowed: boolean;
  patchType?: string;
  patch?: string;
  warnings?: string[];
  status?: { code: number; reason: string; message: string };
}

function answer(value: unknown): Response {
  const { review } = answerReview(value, REVIEWED);
  return (review as { response: Response }).response;
}

Deno.test("answerReview() sends the patch that injects the pod", () => {
  const pod = podWith({ "parley.dev/ports": "11211" });
  const { uid, allowed, patchType, patch } = answer(reviewOf(pod));
  assertEquals([uid, allowed, patchType], ["0b9c7f3e", true, "JSONPatch"]);
  const operations = JSON.parse(
    new TextDecoder().decode(Uint8Array.fromBase64(patch!)),
  );
  const injection = inject(pod, OPTIONS) as { pod: Pod };
  assertEquals(applyPatch(pod, operations), injection.pod);
});

Deno.test("answerReview() sends no patch for a pod that is injected already", () => {
  const { pod } = inject(podWith({ "parley.dev/ports": "1" }), OPTIONS) as {
    pod: Pod;
  };
  assertEquals(answer(reviewOf(pod)), { uid: "0b9c7f3e", allowed: true });
});

Deno.test("answerReview() hands warnings on", () => {
  const { warnings } = answer(reviewOf(podWith({ "parley.dev/ports": "2:1" })));
  assertMatch(warnings!.join(), /nothing redirects port 1/);
});

Deno.test("answerReview() refuses in a sentence", () => {
  const pod = podWith({ "parley.dev/ports": "1" }, { hostNetwork: true });
  const { allowed, status } = answer(reviewOf(pod));
  assertEquals([allowed, status!.code, status!.reason], [
    false,
    403,
    "Forbidden",
  ]);
  assertMatch(status!.message, /^Parley cannot guard this pod: .*hostNetwork/);
});

for (const namespace of SYSTEM_NAMESPACES) {
  Deno.test(`answerReview() leaves pods of ${namespace} alone`, () =>
    assertEquals(answer(reviewOf(podWith({}), { namespace })), {
      uid: "0b9c7f3e",
      allowed: true,
    }));
}

for (
  const [name, request] of [
    ["another kind", { resource: { group: "apps", resource: "deployments" } }],
    ["a subresource", { subResource: "ephemeralcontainers" }],
    ["another operation", { operation: "UPDATE" }],
  ] as const
) {
  Deno.test(`answerReview() refuses ${name}, and names what is set up wrongly`, () => {
    const { allowed, status } = answer(reviewOf(podWith({}), request));
    assertEquals([allowed, status!.code], [false, 400]);
    assertMatch(status!.message, /correct the rules of its Mutating/);
  });
}

for (
  const [name, value] of [
    ["null", null],
    ["a list", []],
    ["another version", { ...REVIEW, apiVersion: "admission.k8s.io/v1beta1" }],
    ["no request", { ...REVIEW, request: null }],
    ["no uid", reviewOf({}, { uid: "" })],
    ["a uid without end", reviewOf({}, { uid: "x".repeat(300) })],
  ] as const
) {
  Deno.test(`answerReview() does not take ${name} for a review`, () => {
    assertThrows(() => answerReview(value, REVIEWED), MalformedReview);
  });
}

Deno.test("answerReview() logs who, and nothing of what is in the pod", () => {
  const pod = podWith({ "parley.dev/ports": "11211" }, {
    containers: [{ name: "app", env: [{ name: "TOKEN", value: "secret" }] }],
  });
  const { summary } = answerReview(reviewOf(pod), REVIEWED);
  assertEquals(summary, "pod fleet/cache injected");
});

Deno.test("answerReview() refuses a pod whose policies are not known, and says so", () => {
  const { review } = answerReview(reviewOf(podWith({})), {
    ...REVIEWED,
    portsOf: () => undefined,
  });
  const { allowed, status } = (review as { response: Response }).response;
  assertEquals(allowed, false);
  assertMatch(status!.message, /names no port to guard.*; what its policies/);
});
