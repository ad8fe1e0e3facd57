/**
 * What was decided, counted.
 *
 * @module
 */
import { z } from "zod";
import type { Administered } from "../../proxy/administered.ts";
import { type Kind, readSeries } from "../../proxy/counting/tally.ts";
import { json, type Operation, operation } from "./operation.ts";
import { count, direction } from "./schemas.ts";

const verdict = z.enum(["forwarded", "denied", "audit", "error"]);

const schema = z.strictObject({
  requests: z.array(z.strictObject({
    l7proto: z.string(),
    verdict,
    direction,
    policy: z.string()
      .describe("the document of the rule; empty where none matched"),
    count,
  })),
  connections: z.array(z.strictObject({
    verdict: z.enum(["denied", "error"]),
    direction,
    reason: z.string(),
    count,
  })).describe("that were denied, or ended for an error, as a whole"),
}).meta({ id: "Requests" });

export function requests(sidecar: Administered): Operation[] {
  return [
    operation(
      {
        method: "GET",
        path: "/v1/requests",
        id: "countRequests",
        summary: "Requests and connections by verdict, since the sidecar began",
        description: "The same numbers as in /metrics.",
        answers: {
          200: {
            description: "What was counted.",
            content: { "application/json": schema },
          },
        },
      },
      async () => {
        const { traffic } = await sidecar.metrics();
        return json({
          requests: labelled(traffic, "requests").map(({ labels, count }) => {
            const [l7proto, verdict, direction, policy] = labels;
            return { l7proto, verdict, direction, policy, count };
          }),
          connections: [
            ...connectionsOf(traffic, "denied", "denied"),
            ...connectionsOf(traffic, "failed", "error"),
          ],
        });
      },
    ),
  ];
}

type Traffic = Awaited<ReturnType<Administered["metrics"]>>["traffic"];

function connectionsOf(traffic: Traffic, kind: Kind, verdict: string) {
  return labelled(traffic, kind).map(({ labels, count }) => {
    const [direction, reason] = labels;
    return { verdict, direction, reason, count };
  });
}

/** The series of a kind. */
function labelled(traffic: Traffic, kind: Kind) {
  return traffic.flatMap(([name, count]) => {
    const series = readSeries(name);
    return series?.kind === kind ? [{ labels: series.labels, count }] : [];
  });
}
