/**
 * Who is behind an address, as far as the sidecar knows.
 *
 * @module
 */
import { z } from "zod";
import type { Administered } from "../../proxy/administered.ts";
import { json, type Operation, operation } from "./operation.ts";
import { count, sourceState, time } from "./schemas.ts";

/** Not more of each are listed. */
const LISTED_MAX = 10_000;

const labels = z.record(z.string(), z.string());
const port = z.strictObject({
  name: z.string(),
  port: z.int(),
  protocol: z.string(),
});

const schema = z.strictObject({
  identities: z.array(z.strictObject({
    cidr: z.string(),
    labels,
    namespace: z.string(),
    ports: z.array(port).optional(),
  })).describe("the longest prefix counts; of two of one prefix the first"),
  services: z.array(z.strictObject({
    name: z.string(),
    namespace: z.string(),
    labels,
    selector: labels.optional(),
    addresses: z.array(z.string()).optional(),
  })),
  names: z.array(z.strictObject({
    name: z.string(),
    address: z.string(),
    until: time,
  })).describe("where DNS names lead"),
  sources: z.array(sourceState),
  total: z.strictObject({ identities: count, services: count, names: count }),
}).meta({ id: "Identities" });

export function identities(sidecar: Administered): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/v1/identities",
      id: "listIdentities",
      summary: "Who is behind an address, and how old that knowledge is",
      description: `${LISTED_MAX} of each at most; total counts all.`,
      answers: {
        200: {
          description: "What is known.",
          content: { "application/json": schema },
        },
      },
    }, () => {
      const { identities, services, names } = sidecar.knowledge();
      return json({
        identities: identities.slice(0, LISTED_MAX),
        services: services.slice(0, LISTED_MAX),
        names: names.slice(0, LISTED_MAX).map(({ name, address, until }) => {
          return { name, address, until: new Date(until).toISOString() };
        }),
        sources: sidecar.status().identities,
        total: {
          identities: identities.length,
          services: services.length,
          names: names.length,
        },
      });
    }),
  ];
}
