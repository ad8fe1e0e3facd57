/**
 * What is said of a command that failed, and its exit code.
 *
 * @module
 */
import { escapeLines } from "../policy/problem.ts";
import { ParleyError } from "../proxylib/error.ts";
import { EXIT_FAILED, EXIT_USAGE, UsageError } from "./exit.ts";

/** Says what was wrong, if it was the user's to mend. @throws what is no error of ours */
export function explain(error: unknown): number {
  const isUsage = error instanceof UsageError;
  if (!isUsage && !(error instanceof ParleyError)) throw error;
  console.error(`parley: ${escapeLines(error.message)}`);
  return isUsage ? EXIT_USAGE : EXIT_FAILED;
}
