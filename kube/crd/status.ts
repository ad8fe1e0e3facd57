/**
 * The status of a policy, as the controller writes it.
 *
 * @module
 */
import { z } from "zod";

/** How many texts or names of a kind a status has at most. */
export const STATUS_LIST_MAX = 20;

const texts = z.array(z.string());

const condition = z.strictObject({
  type: z.string().describe("Accepted, PartlyEnforced or MustRestart"),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
  observedGeneration: z.int().optional(),
});

export const statusSchema = z.strictObject({
  observedGeneration: z.int().optional().describe(
    "which generation of the policy this is about",
  ),
  conditions: z.array(condition).optional(),
  problems: texts.optional().describe(
    "what is wrong or doubtful, as parley check says it",
  ),
  partly: texts.optional().describe("what a sidecar cannot enforce of it"),
  pods: z.int().optional().describe("how many pods with a sidecar it selects"),
  podNames: texts.optional().describe("some of them"),
  mustRestart: z.int().optional().describe(
    "how many pods it selects that do not redirect a port that it names, or have no sidecar",
  ),
  mustRestartNames: texts.optional().describe("some of them, and why"),
}).describe("what became of the policy; written by Parley's controller");

export type PolicyStatus = z.output<typeof statusSchema>;
export type Condition = z.output<typeof condition>;
