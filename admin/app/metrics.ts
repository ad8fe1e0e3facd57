/**
 * What is measured, for the document; `front.ts` answers it.
 *
 * @module
 */
import { z } from "zod";
import type { Administered } from "../../proxy/administered.ts";
import { metricsResponse } from "../metrics/mod.ts";
import { type Operation, operation } from "./operation.ts";

export function metrics(sidecar: Administered): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/metrics",
      id: "getMetrics",
      summary: "What the sidecar measures",
      description:
        "In the text format of Prometheus, version 0.0.4. Workers are asked first, ten times a second at most.",
      answers: {
        200: {
          description: "All metrics.",
          content: { "text/plain": z.string() },
        },
      },
    }, () => metricsResponse(sidecar)),
  ];
}
