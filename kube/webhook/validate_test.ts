/** What is answered to reviews of policies. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import {
  createPolicyStore,
  formatProblem,
  type Problem,
} from "../../policy/mod.ts";
import { problemText } from "../../policy/problem.ts";
import { TRUSTING } from "../../policy/stored.ts";
import { judge } from "../controller/judge.ts";
import { MalformedReview } from "./envelope.ts";
import { reviewOf } from "./testing.ts";
import { answerPolicyReview } from "./validate.ts";

const CATALOG = { ...TRUSTING, has: (proto: string) => proto === "memcache" };

interface Response {
  allowed: boolean;
  warnings?: string[];
  status?: { message: string };
}

function policy(spec: object, group = "parley.dev") {
  const [apiVersion, kind] = group === "parley.dev"
    ? ["parley.dev/v1alpha1", "ParleyPolicy"]
    : ["cilium.io/v2", "CiliumNetworkPolicy"];
  const metadata = {
    name: "x",
    namespace: "fleet",
    managedFields: [{ manager: "kubectl" }],
  };
  const object = { apiVersion, kind, metadata, spec };
  const resource = { group, version: "v1", resource: "policies" };
  return { object, review: reviewOf(object, { resource }) };
}

function answer(review: unknown): Response {
  const { review: answered } = answerPolicyReview(review, CATALOG);
  return (answered as { response: Response }).response;
}

const GOOD = { endpointSelector: {}, ingress: [{}] };
const DOUBTFUL = { endpointSelector: {}, ingress: [] };
const BAD = {
  endpointSelector: {},
  ingress: [{ fromEntities: ["moon"], toPort: [] }],
};

Deno.test("a policy that loads is let in", () => {
  assertEquals(answer(policy(GOOD).review), { uid: "0b9c7f3e", allowed: true });
});

Deno.test("a policy in doubt is let in with warnings", () => {
  const { allowed, warnings } = answer(policy(DOUBTFUL).review);
  assertEquals(allowed, true);
  assertMatch(warnings!.join(), /^warning: .*\[rule\.no-direction\] at spec/);
});

Deno.test("a policy that does not load is refused, in the words of parley check", () => {
  const { object, review } = policy(BAD);
  const { allowed, status } = answer(review);
  assertEquals(allowed, false);
  const file = "x.json";
  const words = createPolicyStore(CATALOG)
    .update([{ file, text: JSON.stringify(object) }]).problems
    .filter(({ severity }) => severity === "error")
    .map((problem) => formatProblem(problem).replace(/^x\.json:\d+:\d+: /, ""));
  assertEquals(words.length, 2);
  const said = status!.message.replace("Parley cannot load this policy: ", "");
  // Which comes first is a matter of lines, and here are none.
  assertEquals(said.split("; ").sort(), words.join("; ").split("; ").sort());
});

Deno.test("a policy of Cilium's that Parley cannot enforce is let in, with warnings", () => {
  const { allowed, warnings } = answer(policy(BAD, "cilium.io").review);
  assertEquals(allowed, true);
  assertMatch(warnings!.join(), /cannot enforce this policy,.*moon/);
});

Deno.test("a deletion is let in", () => {
  const { review } = policy(GOOD);
  const request = { ...review.request as object, object: null };
  assertEquals(answer({ ...review, request }).allowed, true);
});

Deno.test("what is no review is refused", () => {
  assertThrows(() => answerPolicyReview({}, CATALOG), MalformedReview);
});

Deno.test("whatever is written as a policy is answered", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.boolean(), (value, isSpec) => {
      const object = isSpec
        ? policy(value as object).object
        : { ...policy(GOOD).object, ...value as object };
      const { outcome } = answerPolicyReview(reviewOf(object), CATALOG);
      assert(outcome === "accepted" || outcome === "refused");
    }),
    { seed: 20_261_124, numRuns: 300 },
  );
});

Deno.test("what is judged is what parley check says of a file", async () => {
  const folder = new URL("../../../shared/policies/", import.meta.url);
  const readable = await Array.fromAsync(Deno.readDir(folder))
    .catch(() => []); // they are not part of the project
  for (const { name } of readable.filter(({ name }) => /yaml$/.test(name))) {
    const text = await Deno.readTextFile(new URL(name, folder));
    const value = parse(text);
    if (Array.isArray(value)) continue;
    const words = (problems: readonly Problem[]) =>
      problems.map(problemText).sort();
    assertEquals(
      words(judge(value, CATALOG)),
      words(createPolicyStore(CATALOG).update([{ file: name, text }]).problems),
    );
  }
});
