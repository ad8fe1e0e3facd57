/**
 * `parley status`: what is meant against what is in force.
 *
 * @module
 */
import { escapeLines } from "../policy/problem.ts";
import type { SidecarStatus } from "../proxy/administered.ts";
import { ask, needSidecar, type SidecarOption } from "./admin_client.ts";
import { EXIT_FAILED } from "./exit.ts";
import { tableLines } from "./table.ts";

/** Says how the sidecar is; 1 if something is not as it is meant. */
export async function status(
  { json = false, ...option }: SidecarOption & { json?: boolean },
): Promise<number> {
  const sidecar = await needSidecar(option);
  const state = await ask<SidecarStatus>(sidecar, "GET", "/v1/status");
  if (json) console.log(JSON.stringify(state, null, 2));
  else for (const line of lines(state)) console.log(line);
  return isAsMeant(state) ? 0 : EXIT_FAILED;
}

function isAsMeant({ unready, policy, parsers, identities }: SidecarStatus) {
  return unready.length === 0 && policy.error === undefined &&
    policy.documents.every(({ status }) => status === "applied") &&
    parsers.every(({ refused }) => refused === undefined) &&
    identities.every(({ state }) => state === "live");
}

function lines(state: SidecarStatus): string[] {
  const { unready, listeners, policy, parsers, identities } = state;
  const rows = [
    ["WHAT", "NAME", "STATE", "SINCE", "WHY"],
    ...listeners.map(({ name, state, address, error }) => [
      "listener",
      name,
      state,
      "-",
      error ?? address ?? "",
    ]),
    [
      "policy",
      `version ${policy.version}`,
      policy.error === undefined ? "in force" : "unreadable",
      policy.since,
      policy.error ?? "",
    ],
    ...policy.documents.map(({ id, status, since, problems, partly }) => [
      "document",
      id,
      status,
      since,
      [...problems, ...partly].join("; "),
    ]),
    ...parsers.flatMap(({ name, versions }) =>
      versions.filter(({ state }) => state !== "idle").map((version) => [
        "parser",
        `${name}@${version.version}`,
        version.state,
        version.since ?? "-",
        version.refused ?? "",
      ])
    ),
    ...identities.map(({ name, state, ageMs, error }) => [
      "identities",
      name,
      state,
      ageMs === undefined ? "-" : `${Math.round(ageMs / 1000)} s`,
      error ?? "",
    ]),
  ];
  const ready = unready.length === 0
    ? ["ready"]
    : unready.map((reason) => `not ready: ${escapeLines(reason)}`);
  return [...ready, ...tableLines(rows)];
}
