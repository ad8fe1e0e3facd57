/** Reviews that no API server would send, and pods that are too much of something. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { OPTIONS, podWith } from "../inject/testing.ts";
import { MalformedReview } from "./envelope.ts";
import { answerReview, SYSTEM_NAMESPACES } from "./review.ts";
import { REVIEW, reviewOf } from "./testing.ts";

const REVIEWED = { ...OPTIONS, systemNamespaces: SYSTEM_NAMESPACES };
const RUNS = 3000;

type Json = Record<string, unknown> | unknown[];

/** Every place in a value, as the keys that lead there. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.entries(value)
    .flatMap(([key, member]) => placesIn(member, [...path, key]));
  return [path, ...below];
}

/** The same with another value at one place. */
function withAt(value: unknown, path: readonly string[], other: unknown) {
  if (path.length === 0) return other;
  const copy = structuredClone(value) as Json;
  let at = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  at[path.at(-1)!] = other;
  return copy;
}

/** One with many of the things that pods have. */
const RICH = reviewOf(podWith({
  "parley.dev/ports": "11211",
  "parley.dev/egress-ports": "9042",
  "parley.dev/mode": "audit",
  "parley.dev/exclude-uids": "7",
}, {
  securityContext: { runAsUser: 1000, fsGroup: 1000 },
  initContainers: [{ name: "setup", image: "busybox" }],
  containers: [{
    name: "app",
    image: "memcached",
    ports: [{ name: "cache", containerPort: 11211, protocol: "TCP" }],
    livenessProbe: { tcpSocket: { port: "cache" }, periodSeconds: 5 },
    env: [{ name: "A", value: "1" }],
    volumeMounts: [{ name: "data", mountPath: "/data" }],
    securityContext: { runAsUser: 1000 },
  }],
  volumes: [{ name: "data", emptyDir: {} }],
}));

/** What is wrong is refused or none; nothing else is thrown. */
function isAnswered(value: unknown): boolean {
  try {
    const { outcome } = answerReview(value, REVIEWED);
    return ["injected", "skipped", "refused"].includes(outcome);
  } catch (error) {
    if (error instanceof MalformedReview) return true;
    throw error;
  }
}

Deno.test("a review that is anything at one place is answered, or none", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...placesIn(RICH)),
      fc.jsonValue(),
      (path, other) => assert(isAnswered(withAt(RICH, path, other))),
    ),
    { seed: 20_261_124, numRuns: RUNS },
  );
});

Deno.test("whatever JSON is a pod is answered", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (pod) => assert(isAnswered(reviewOf(pod)))),
    { seed: 20_261_124, numRuns: RUNS },
  );
});

Deno.test("a pod of a thousand containers, and annotations of a megabyte, is injected once", () => {
  const pod = podWith({
    "parley.dev/ports": "11211",
    "example.com/notes": "x".repeat(1 << 20),
  }, {
    containers: Array.from({ length: 1000 }, (_, i) => ({
      name: `app-${i}`,
      image: "app",
      livenessProbe: { tcpSocket: { port: 11211 } },
    })),
  });
  assertEquals(answerReview(reviewOf(pod), REVIEWED).outcome, "injected");
});

Deno.test("another kind of object is refused by its name, though it looks like a pod", () => {
  const { outcome, summary } = answerReview({
    ...REVIEW,
    request: {
      ...REVIEW.request as object,
      resource: { group: "", version: "v1", resource: "podtemplates" },
    },
  }, REVIEWED);
  assertEquals(outcome, "refused");
  assertMatch(summary, /podtemplates/);
});
