/**
 * Puts the redirection into force, and takes it away again. Both may be done
 * any number of times.
 *
 * @module
 */
import { hasIPv6, type Proc } from "./proc.ts";
import { isInstalled, runProgram, succeeds } from "./programs.ts";
import {
  countRules,
  type Family,
  routeRemoval,
  routingArguments,
  ruleList,
  ruleRemoval,
} from "./routes.ts";
import { type Redirect, removal, rules } from "./rules.ts";

/**
 * Replaces what was there by this.
 *
 * @throws {ParleyError} when a program, a right or a feature of the kernel is missing
 */
export async function apply(redirect: Redirect, proc: Proc): Promise<void> {
  const mark = redirect.ingress?.mark;
  // A mark without routing lets packets pass by the proxy; routing without a mark does nothing.
  if (mark !== undefined) await addRouting(mark, proc);
  await runProgram("nft", ["-f", "-"], rules(redirect));
  if (mark === undefined) await removeRouting(proc);
}

/**
 * Leaves nothing behind, whatever was applied.
 *
 * @throws {ParleyError} as {@linkcode apply}
 */
export async function remove(proc: Proc): Promise<void> {
  await runProgram("nft", ["-f", "-"], removal());
  await removeRouting(proc);
}

async function addRouting(mark: number, proc: Proc): Promise<void> {
  for (const family of families(proc)) {
    await removeRules(family);
    for (const args of routingArguments(family, mark)) {
      await runProgram("ip", args);
    }
  }
}

async function removeRouting(proc: Proc): Promise<void> {
  // Only `ip` makes routing: where it is missing there is none to remove.
  if (!await isInstalled("ip")) return;
  for (const family of families(proc)) {
    await removeRules(family);
    await succeeds("ip", routeRemoval(family));
  }
}

async function removeRules(family: Family): Promise<void> {
  const count = countRules(await runProgram("ip", ruleList(family)));
  for (let i = 0; i < count; i++) await runProgram("ip", ruleRemoval(family));
}

function families(proc: Proc): Family[] {
  return hasIPv6(proc) ? ["-4", "-6"] : ["-4"];
}
