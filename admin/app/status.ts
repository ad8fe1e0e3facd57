/**
 * What is meant against what is in force.
 *
 * @module
 */
import { z } from "zod";
import type { Administered } from "../../proxy/administered.ts";
import { json, type Operation, operation } from "./operation.ts";
import {
  listenerState,
  parserState,
  policyState,
  sourceState,
} from "./schemas.ts";

const schema = z.strictObject({
  ready: z.boolean(),
  unready: z.array(z.string()).describe("why it is not ready"),
  listeners: z.array(listenerState),
  policy: policyState,
  parsers: z.array(parserState),
  identities: z.array(sourceState),
}).meta({ id: "Status" });

export function status(sidecar: Administered): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/v1/status",
      id: "getStatus",
      summary: "What is meant, what is in force, and since when",
      description: "Counts are those of the last second.",
      answers: {
        200: {
          description: "All of it.",
          content: { "application/json": schema },
        },
      },
    }, () => {
      const state = sidecar.status();
      return json({ ready: state.unready.length === 0, ...state });
    }),
  ];
}
