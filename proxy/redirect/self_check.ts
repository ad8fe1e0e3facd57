/**
 * What `parley redirect apply` proves about what it has done. A redirection that
 * is believed and not there is worse than none.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";
import { SystemError } from "../linux/errno.ts";
import { bystanderChecks } from "./bystander_checks.ts";
import { type Check, type Eyes, warning } from "./check.ts";
import { egressChecks } from "./egress_checks.ts";
import { ingressChecks } from "./ingress_checks.ts";
import { includes } from "./ports.ts";
import { ProbeSockets } from "./probe_sockets.ts";
import { openProc } from "./proc.ts";
import type { Redirect } from "./rules.ts";

const DNS = 53;

/**
 * What the checks look through: opened before anything is changed, as it needs
 * a C library and the permission to use it.
 */
export function openEyes(redirect: Redirect): Eyes {
  return { sockets: new ProbeSockets(), proc: openProc(), redirect };
}

/** Probes the table in force. */
export async function selfCheck(eyes: Eyes): Promise<Check[]> {
  const { ingress, egress } = eyes.redirect;
  return [
    ...egress
      ? await orNotProven("egress", () => egressChecks(eyes, egress))
      : [],
    ...ingress
      ? await orNotProven("ingress", () => ingressChecks(eyes, ingress))
      : [],
    ...bystanderChecks(eyes),
    ...egress && includes(egress.ports, DNS) ? [warning(NO_DNS)] : [],
  ];
}

/** The rules are in force whatever the system refuses to a probe. */
async function orNotProven(
  what: string,
  checks: () => Promise<Check[]>,
): Promise<Check[]> {
  try {
    return await checks();
  } catch (error) {
    const isRefusal = error instanceof SystemError ||
      error instanceof ParleyError;
    if (!isRefusal) throw error;
    return [warning(`${what}: not proven: ${error.message}`)];
  }
}

const NO_DNS =
  "UDP to port 53 is dropped with the others: no process here but the sidecar can look names up; --exclude-ports 53 lets them";
