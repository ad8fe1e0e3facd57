/**
 * No bypass by what a sidecar is not told: with the part of the cluster that is
 * sent to it, it judges every connection as it would with all of it.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import {
  clusterOf,
  judgeOf,
  objects,
  questions,
  textsOf,
  toldOf,
} from "./testing.ts";

Deno.test("a sidecar judges by what it is told as by the whole cluster", () => {
  const seen = { questions: 0, denied: 0, told: 0, all: 0 };
  fc.assert(
    fc.property(objects, questions, (all, asked) => {
      const cluster = clusterOf(all);
      const texts = textsOf(all);
      for (const pod of all.pods.filter(({ isInjected }) => isInjected)) {
        const { namespace, name, ports } = pod;
        const told = toldOf(cluster.stateFor(namespace, name)!);
        const whole = toldOf(cluster.stateFor(namespace, name, "complete")!);
        const { endpoint } = told;
        const byPart = judgeOf(endpoint, told.policies, told.knowledge, ports);
        // The policies of others, too: none of them may be missing.
        const byAll = judgeOf(endpoint, texts, whole.knowledge, ports);
        for (const question of asked) {
          const answer = byPart(question);
          assertEquals(answer, byAll(question));
          seen.questions++;
          if (answer.verdict === "denied") seen.denied++;
        }
        seen.told += told.knowledge.identities.length;
        seen.all += whole.knowledge.identities.length;
      }
    }),
    { seed: 20_261_124, numRuns: 100 },
  );
  // It says something only where answers differ and somebody is left out.
  assert(seen.denied > seen.questions / 20, JSON.stringify(seen));
  assert(seen.told < seen.all * 0.8, JSON.stringify(seen));
});
