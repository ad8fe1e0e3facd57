/**
 * The probes, for the document; `front.ts` answers them.
 *
 * @module
 */
import { z } from "zod";
import type { Administered } from "../../proxy/administered.ts";
import { health, readiness } from "../probes.ts";
import { type Operation, operation } from "./operation.ts";

const text = { "text/plain": z.string() };

export function probes(sidecar: Administered): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/healthz",
      id: "getHealth",
      summary: "Whether the sidecar lives",
      answers: { 200: { description: "It lives.", content: text } },
    }, health),
    operation({
      method: "GET",
      path: "/readyz",
      id: "getReadiness",
      summary: "Whether it should be sent work",
      description:
        "It is ready when its listeners are up, a policy is in force and the parsers of its listeners are loaded. Otherwise 503 says why.",
      answers: { 200: { description: "It should.", content: text } },
    }, () => readiness(sidecar)),
  ];
}
