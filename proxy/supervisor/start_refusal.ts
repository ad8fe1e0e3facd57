/**
 * What a supervisor does not start with.
 *
 * @module
 */
import { formatProblem, nearMiss, oneOf, quote } from "../../policy/problem.ts";
import { ParleyError } from "../../proxylib/error.ts";
import type { Config } from "../config/mod.ts";
import type { Judgement } from "../control/messages.ts";
import { policyPaths } from "../standing_policies.ts";

/**
 * Without one whole policy there is no "last good" to keep: a sidecar that
 * started without it would be more open than was meant. A listener whose
 * parser is not there would refuse every connection.
 *
 * @throws {ParleyError} if the judgement is such
 */
export function refuseToStart(
  { policy, parsers }: Judgement,
  config: Config,
): void {
  if (policy.refused) {
    throw new ParleyError("Cannot start with this policy", {
      blame: "operator",
      where: [
        ...policyPaths(config),
        ...(config.controller ? ["the controller's policies"] : []),
      ].join(", "),
      found: policy.problems
        .filter(({ severity }) => severity === "error")
        .map((problem) => `\n  ${formatProblem(problem)}`).join(""),
      mend: "\ncorrect the documents; `parley check` lists the same",
    });
  }
  const loaded = parsers.filter(({ serving }) => serving)
    .map(({ name }) => name);
  const known = parsers.map(({ name }) => name);
  for (const { name, l7proto } of config.listeners) {
    if (l7proto === undefined || loaded.includes(l7proto)) continue;
    throw new ParleyError("Cannot start", {
      blame: "operator",
      where: `listener ${name}`,
      found: `no parser named ${quote(l7proto)} is loaded`,
      mend: nearMiss(l7proto, known) ?? `use ${oneOf(known)}`,
    });
  }
}
