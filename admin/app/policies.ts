/**
 * Policies: all that are in force, and those that are put in by name.
 *
 * @module
 */
import { z } from "zod";
import { formatProblem } from "../../policy/problem.ts";
import type {
  Administered,
  AdministeredPolicies,
  PolicyChange,
} from "../../proxy/administered.ts";
import { POLICY_NAME } from "../../proxy/policy_shelf.ts";
import { RequestError } from "../problem.ts";
import { isAtHand, preconditionOf } from "./entity_tags.ts";
import { json, type Operation, operation, readText } from "./operation.ts";
import { documentState, policyState } from "./schemas.ts";

const TYPES = ["application/yaml", "application/json"];

const params = z.object({
  name: z.string().regex(POLICY_NAME, {
    error: "it is no name of a policy",
  }).describe(
    "at most 63 lower-case letters, digits, '-' and '.', a letter or digit at both ends",
  ),
});

const tags = z.string();
/** A policy file as it is written: no schema says what policies mean. */
const text = z.unknown();

const CONDITIONS = {
  "If-Match": tags.optional()
    .describe("entity tags, one of which is that of what is there"),
  "If-None-Match": tags.optional()
    .describe("*: there is none; or entity tags of which none is its own"),
};

const stored = z.strictObject({
  name: z.string(),
  etag: z.string(),
  file: z.string().describe("as its documents name it"),
}).meta({ id: "StoredPolicy" });

const changed = z.strictObject({
  name: z.string(),
  etag: z.string(),
  version: z.int().describe("of the policy as a whole"),
  documents: z.array(documentState),
});

const REFUSED =
  "The policy is wrong, or others would be wrong with it; `errors` has each with file, line and column.";

export function policies(sidecar: Administered): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/v1/policies",
      id: "listPolicies",
      summary: "Policies in force, and those that were put in",
      answers: {
        200: {
          description: "What became of every document.",
          content: {
            "application/json": z.strictObject({
              policy: policyState,
              stored: z.array(stored),
            }),
          },
        },
      },
    }, async () =>
      json({
        policy: sidecar.status().policy,
        stored: await sidecar.policies?.list() ?? [],
      })),
    operation({
      method: "GET",
      path: "/v1/policies/{name}",
      id: "getPolicy",
      summary: "The text of a policy, as it was put in",
      params,
      headers: {
        "If-None-Match": tags.optional()
          .describe("entity tags that are at hand already"),
      },
      answers: {
        200: {
          description: "Its text.",
          content: { "application/yaml": text },
          headers: { ETag: "of the text" },
        },
        304: { description: "It is what is at hand." },
      },
      problems: [404],
    }, ({ params: { name }, request }) => get(sidecar, name, request)),
    operation({
      method: "PUT",
      path: "/v1/policies/{name}",
      id: "putPolicy",
      summary: "Put a policy in, whole or not at all",
      description:
        `The body is what a policy file holds: CiliumNetworkPolicy documents in YAML or JSON. It is judged as a file would be, kept, and in force when this is answered. ${REFUSED}`,
      params,
      text: TYPES,
      headers: CONDITIONS,
      answers: {
        200: {
          description: "It has replaced another.",
          content: { "application/json": changed },
          headers: { ETag: "of the text" },
        },
        201: {
          description: "It is new.",
          content: { "application/json": changed },
          headers: { ETag: "of the text" },
        },
      },
      problems: [409, 412],
    }, ({ params: { name }, request }) => put(sidecar, name, request)),
    operation({
      method: "DELETE",
      path: "/v1/policies/{name}",
      id: "deletePolicy",
      summary: "Remove a policy that was put in",
      params,
      headers: CONDITIONS,
      answers: { 204: { description: "It is no longer in force." } },
      problems: [404, 409, 412],
    }, async ({ params: { name }, request }) => {
      const change = await needKept(sidecar)
        .delete(name, preconditionOf(request), request.signal);
      if (change.outcome === "deleted") {
        return new Response(null, { status: 204 });
      }
      throw refusal(name, change);
    }),
  ];
}

async function get(
  sidecar: Administered,
  name: string,
  request: Request,
): Promise<Response> {
  const policy = await needKept(sidecar).get(name);
  if (!policy) throw refusal(name, { outcome: "absent" });
  const { text, etag } = policy;
  if (isAtHand(request, etag)) {
    return new Response(null, { status: 304, headers: { etag } });
  }
  return new Response(text, {
    headers: {
      "content-type": "application/yaml",
      "cache-control": "no-cache",
      etag,
    },
  });
}

async function put(
  sidecar: Administered,
  name: string,
  request: Request,
): Promise<Response> {
  const precondition = preconditionOf(request);
  const text = await readText(request);
  const change = await needKept(sidecar)
    .put(name, text, precondition, request.signal);
  if (change.outcome !== "created" && change.outcome !== "replaced") {
    throw refusal(name, change);
  }
  const { outcome, etag, file } = change;
  const { version, documents } = sidecar.status().policy;
  return json(
    {
      name,
      etag,
      version,
      documents: documents.filter((document) => document.file === file),
    },
    outcome === "created" ? 201 : 200,
    {
      etag,
      ...(outcome === "created" ? { location: `/v1/policies/${name}` } : {}),
    },
  );
}

function needKept({ policies }: Administered): AdministeredPolicies {
  if (policies) return policies;
  throw new RequestError(
    409,
    "the portable transport takes policies from files only; change the files",
  );
}

function refusal(name: string, change: PolicyChange): RequestError {
  switch (change.outcome) {
    case "absent":
      return new RequestError(
        404,
        `no policy named ${name} was put in; GET /v1/policies lists them`,
      );
    case "unmet": {
      const { etag } = change;
      return new RequestError(
        412,
        etag === undefined
          ? `there is no policy named ${name}; send no If-Match to create it`
          : `the policy ${name} is another one now, ${etag}; GET it, and send that as If-Match`,
        etag === undefined ? {} : { etag },
      );
    }
    case "not-enforced":
      return new RequestError(
        409,
        "enforcement is never, so policies are not read; configure another enforcement",
      );
    case "refused":
      return new RequestError(
        422,
        change.problems.map(formatProblem).join("\n"),
        {},
        { errors: change.problems },
      );
    default:
      throw new Error(`${change.outcome} is no refusal`);
  }
}
