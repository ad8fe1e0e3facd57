/**
 * Runs the steps of a tour. Whether a step was right is what it observed, never
 * what it meant to show.
 *
 * @module
 */
import { EXIT_FAILED } from "../exit.ts";
import type { Narrator } from "./narrator.ts";

/** What a step is given to report with. */
export interface Stage {
  readonly narrator: Narrator;
  /** Reports an observation. The step is wrong unless all of its own are right. */
  check(right: boolean, text: string): void;
}

/** A part of the tour. `W`: the world in which it takes place. */
export interface Step<W> {
  readonly title: string;
  run(world: W, stage: Stage): Promise<void>;
}

/** How a tour went. */
export interface Outcome {
  /** Titles of the steps that were wrong. */
  readonly wrong: readonly string[];
  /** It was not interrupted. */
  readonly finished: boolean;
}

/**
 * Runs the steps in order. One that throws, or that checks nothing, is wrong;
 * the others run all the same. `signal` ends the tour before its next step.
 */
export async function runSteps<W>(
  steps: readonly Step<W>[],
  world: W,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<Outcome> {
  const wrong: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (signal.aborted) return { wrong, finished: false };
    narrator.heading(`${index + 1}  ${step.title}`);
    if (!await isRight(step, world, narrator, signal)) wrong.push(step.title);
  }
  return { wrong, finished: !signal.aborted };
}

/** Non-zero if a step was wrong, or the tour was not finished. */
export function exitCode({ wrong, finished }: Outcome): number {
  return finished && wrong.length === 0 ? 0 : EXIT_FAILED;
}

async function isRight<W>(
  step: Step<W>,
  world: W,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<boolean> {
  const checks: boolean[] = [];
  const check = (right: boolean, text: string) => {
    checks.push(right);
    // What an interruption breaks says nothing about the step.
    if (!signal.aborted) narrator.check(right, text);
  };
  try {
    await step.run(world, { narrator, check });
    if (checks.length === 0) check(false, "this step has checked nothing");
  } catch (error) {
    check(false, error instanceof Error ? error.message : String(error));
  }
  return checks.every((right) => right);
}
