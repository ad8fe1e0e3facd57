/**
 * Open connections: listed, and ended.
 *
 * @module
 */
import { z } from "zod";
import type { Administered, Which } from "../../proxy/administered.ts";
import { RequestError } from "../problem.ts";
import { json, type Operation, operation } from "./operation.ts";
import { count, direction } from "./schemas.ts";

const version = z.string().regex(/^[a-z][a-z0-9_-]*@[0-9a-f]+$/, {
  error: "it is no NAME@VERSION",
});
const end = z.string().min(1, { error: "it is empty" });

const connection = z.strictObject({
  id: z.int().describe("as the access log has it"),
  listener: z.string(),
  direction,
  source: z.string(),
  destination: z.string(),
  l7proto: z.string().optional().describe("absent: the bytes pass unread"),
  parser: z.string().optional().describe("NAME@VERSION"),
  ageMs: z.number(),
  bytesForward: count,
  bytesReply: count,
}).meta({ id: "Connection" });

const filter = z.object({
  listener: end.optional(),
  direction: direction.optional(),
  l7proto: end.optional(),
  parser: version.optional().describe("NAME@VERSION"),
  source: end.optional().describe("a host, or host:port"),
  destination: end.optional().describe("a host, or host:port"),
});

const WHICH =
  '{"id": N} or {"parser": "NAME@VERSION"}, or other filters of GET /v1/connections';
const which = z.union([
  z.strictObject({ id: z.int().min(1) }),
  z.strictObject(filter.shape)
    .refine((filter) => Object.keys(filter).length > 0, {
      error: "it names no connections",
    })
    .meta({ minProperties: 1 }),
], { error: "it names no connections" }).describe(WHICH);

export function connections(sidecar: Administered): Operation[] {
  return [
    operation(
      {
        method: "GET",
        path: "/v1/connections",
        id: "listConnections",
        summary: "Open connections, the oldest first",
        description: "A thousand at most; total counts all that are meant.",
        query: filter,
        answers: {
          200: {
            description: "Those of which all that is asked for is so.",
            content: {
              "application/json": z.strictObject({
                connections: z.array(connection),
                total: count,
              }),
            },
          },
        },
      },
      async ({ query }) =>
        json(await sidecar.connections(withoutUndefined(query))),
    ),
    operation(
      {
        method: "POST",
        path: "/v1/connections/close",
        id: "closeConnections",
        summary: "End a connection, or all of which something is so",
        body: which,
        answers: {
          200: {
            description: "How many were ended.",
            content: { "application/json": z.strictObject({ closed: count }) },
          },
        },
        problems: [404],
      },
      async ({ body }) =>
        json({ closed: await close(sidecar, withoutUndefined(body)) }),
    ),
  ];
}

async function close(sidecar: Administered, which: Which): Promise<number> {
  const closed = await sidecar.closeConnections(which);
  if (closed > 0 || !("id" in which)) return closed;
  throw new RequestError(
    404,
    `no connection ${which.id} is open; GET /v1/connections lists them`,
  );
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return value as Defined<T>; // zod leaves out what is not given
}
