import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Narrator } from "./narrator.ts";
import { exitCode, runSteps, type Stage, type Step } from "./steps.ts";

const CASES: readonly {
  name: string;
  run: (stage: Stage) => void;
  right: boolean;
  prints: string;
}[] = [
  {
    name: "is content with right checks",
    run: ({ check }) => check(true, "seen"),
    right: true,
    prints: "  ✓ seen",
  },
  {
    name: "reports a wrong check",
    run({ check }) {
      check(false, "not seen");
      check(true, "seen");
    },
    right: false,
    prints: "  ✗ not seen",
  },
  {
    name: "reports a step that throws",
    run({ check }) {
      check(true, "seen");
      throw new Error("waited in vain");
    },
    right: false,
    prints: "  ✗ waited in vain",
  },
  {
    name: "reports a step that checks nothing",
    run() {},
    right: false,
    prints: "  ✗ this step has checked nothing",
  },
];

for (const { name, run, right, prints } of CASES) {
  Deno.test(`runSteps() ${name}`, async () => {
    const { outcome, printed } = await tour([step("a", run)]);
    assertEquals(outcome, { wrong: right ? [] : ["a"], finished: true });
    assertEquals(exitCode(outcome) === 0, right);
    assertEquals(printed.includes(prints), true, printed.join("\n"));
  });
}

Deno.test("runSteps() goes on after a wrong step", async () => {
  const { outcome } = await tour([
    step("a", ({ check }) => check(false, "")),
    step("b", ({ check }) => check(true, "")),
    step("c", ({ check }) => check(false, "")),
  ]);
  assertEquals(outcome, { wrong: ["a", "c"], finished: true });
});

Deno.test("runSteps() stops at a signal, and blames no step for it", async () => {
  const stop = new AbortController();
  const interrupted = step("a", () => {
    stop.abort();
    throw new Error("the connection is gone");
  });
  const { outcome, printed } = await tour(
    [interrupted, step("b", () => {})],
    stop,
  );
  assertEquals(outcome.finished, false);
  assertEquals(exitCode(outcome) === 0, false);
  assertEquals(printed.some((line) => line.includes("✗")), false);
});

function step(title: string, run: (stage: Stage) => void): Step<null> {
  return {
    title,
    run(_world, stage) {
      run(stage);
      return Promise.resolve();
    },
  };
}

async function tour(steps: Step<null>[], stop = new AbortController()) {
  const printed: string[] = [];
  const narrator = new Narrator((line) => printed.push(line), false);
  const outcome = await runSteps(steps, null, narrator, stop.signal);
  return { outcome, printed };
}
