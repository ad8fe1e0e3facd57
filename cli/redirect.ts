/**
 * `parley redirect`: takes a workload's connections to the sidecar with rules of
 * the packet filter, and lets them go again.
 *
 * @module
 */
import {
  apply as applyRules,
  remove as removeRules,
} from "../proxy/redirect/apply.ts";
import { openProc } from "../proxy/redirect/proc.ts";
import { routingArguments } from "../proxy/redirect/routes.ts";
import { type Redirect, rules } from "../proxy/redirect/rules.ts";
import { openEyes, selfCheck } from "../proxy/redirect/self_check.ts";
import { EXIT_FAILED } from "./exit.ts";
import { readRedirect, type RedirectOptions } from "./redirect_options.ts";

/** Prints what `apply` would do, as commands for a shell. Needs no rights and no programs. */
export function show(options: RedirectOptions): number {
  const redirect = readRedirect(options);
  console.log(script(redirect));
  return 0;
}

/** Puts it into force and proves it. */
export async function apply(options: RedirectOptions): Promise<number> {
  const redirect = readRedirect(options);
  const eyes = openEyes(redirect);
  await applyRules(redirect, eyes.proc);
  const checks = await selfCheck(eyes);
  for (const { outcome, text } of checks) console.log(`${outcome}: ${text}`);
  const hasFailed = checks.some(({ outcome }) => outcome === "failed");
  if (!hasFailed) return 0;
  console.error(
    "parley: the redirection is in force, but does not do what it should; `parley redirect remove` undoes it",
  );
  return EXIT_FAILED;
}

/** Undoes it, whatever it was; also when there is nothing to undo. */
export async function remove(): Promise<number> {
  await removeRules(openProc());
  return 0;
}

/** The rules are nftables' own text; routing, which is no part of it, is comments there. */
function script(redirect: Redirect): string {
  const text = rules(redirect).trimEnd();
  const mark = redirect.ingress?.mark;
  if (mark === undefined) return text;
  const commands = (["-4", "-6"] as const)
    .flatMap((family) => routingArguments(family, mark))
    .map((args) => `# ip ${args.join(" ")}`);
  return ["# Beside this table, routing:", ...commands, text].join("\n");
}
