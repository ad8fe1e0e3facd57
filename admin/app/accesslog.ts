/**
 * The access log, live and its last lines.
 *
 * @module
 */
import { z } from "zod";
import type { LineFilter } from "../../proxy/accesslog/line_filter.ts";
import { accessLogSchema } from "../../proxy/accesslog/schema.ts";
import type { Administered } from "../../proxy/administered.ts";
import { accessLogStream, lastLines } from "../accesslog.ts";
import { json, type Operation, operation } from "./operation.ts";
import { direction } from "./schemas.ts";

const filter = z.object({
  type: z.enum(["request", "response", "connection"]).optional(),
  verdict: z.enum(["forwarded", "denied", "error", "audit"]).optional(),
  direction: direction.optional(),
  l7proto: z.string().regex(/^[\w-]{1,64}$/, {
    error: "it is no name of a protocol",
  }).optional(),
});

export function accessLog(sidecar: Administered): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/v1/accesslog",
      id: "followAccessLog",
      summary: "Lines of the access log as they are written",
      description:
        "Server-sent events without an end: each line is the data of one, an event named dropped has the number of lines that were lost because they came faster than they were read. What is written after the answer has begun is not missed otherwise.",
      query: filter,
      answers: {
        200: {
          description: "Lines of which all that is asked for is so.",
          content: { "text/event-stream": z.string() },
        },
      },
    }, ({ query }) => accessLogStream(sidecar, query as LineFilter)),
    operation(
      {
        method: "GET",
        path: "/v1/accesslog/last",
        id: "listLastLines",
        summary: "The last lines of the access log, the oldest first",
        description:
          "Each worker keeps a hundred of what was forwarded and a hundred of the rest, but for lines with fields of more than four thousand characters.",
        query: filter,
        answers: {
          200: {
            description: "Lines of which all that is asked for is so.",
            content: {
              "application/json": z.strictObject({
                lines: z.array(accessLogSchema),
              }),
            },
          },
        },
      },
      async ({ query }) => json(await lastLines(sidecar, query as LineFilter)),
    ),
  ];
}
