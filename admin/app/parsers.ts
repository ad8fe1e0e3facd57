/**
 * Parsers, version by version.
 *
 * @module
 */
import { z } from "zod";
import type { Administered } from "../../proxy/administered.ts";
import { RequestError } from "../problem.ts";
import { json, type Operation, operation } from "./operation.ts";
import { parserState } from "./schemas.ts";

const schema = z.strictObject({ parsers: z.array(parserState) });
const params = z.object({
  name: z.string().min(1).describe("the name of a parser"),
});

export function parsers(sidecar: Administered): Operation[] {
  const answers = {
    200: {
      description: "Parsers, with the versions that matter now.",
      content: { "application/json": schema },
    },
  };
  return [
    operation({
      method: "GET",
      path: "/v1/parsers",
      id: "listParsers",
      summary: "Parsers with their versions",
      answers,
    }, async () => json({ parsers: await sidecar.parsers() })),
    operation(
      {
        method: "POST",
        path: "/v1/parsers/reload",
        id: "reloadParsers",
        summary: "Stage all parsers again, changed or not",
        description: "Answered when what came of it is in force.",
        answers,
      },
      async ({ request: { signal } }) =>
        json({ parsers: await sidecar.reloadParsers(undefined, signal) }),
    ),
    operation({
      method: "POST",
      path: "/v1/parsers/{name}/reload",
      id: "reloadParser",
      summary: "Stage one parser again, changed or not",
      params,
      answers,
      problems: [404],
    }, async ({ params: { name }, request: { signal } }) => {
      const found = await sidecar.reloadParsers(name, signal);
      if (found.length > 0) return json({ parsers: found });
      throw new RequestError(
        404,
        `no parser named ${name} is there; GET /v1/parsers lists them`,
      );
    }),
  ];
}
