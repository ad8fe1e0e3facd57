/**
 * The OpenAPI 3.1 document of the operations, made of the schemas that check
 * their requests.
 *
 * @module
 */
import { z } from "zod";
import manifest from "../../deno.json" with { type: "json" };
import { TITLES } from "../problem.ts";
import { json, type Operation, operation } from "./operation.ts";
import { problem } from "./schemas.ts";

/** Problem documents that every operation may answer. */
const ALWAYS = [400, 401, 403, 408, 413, 415, 421, 431, 500, 503];
/** Of those that take a body. */
const OF_BODIES = [411, 422];

/** The operation that answers the document. */
export function openApi(operations: readonly Operation[]): Operation {
  let document: object | undefined;
  const self: Operation = operation({
    method: "GET",
    path: "/openapi.json",
    id: "getOpenApi",
    summary: "This document",
    answers: {
      200: {
        description: "OpenAPI 3.1.",
        content: { "application/json": z.looseObject({}) },
      },
    },
  }, () => json(document ??= documentOf([...operations, self])));
  return self;
}

function documentOf(operations: readonly Operation[]): object {
  const components = new Components();
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const path = paths[operation.path] ??= {};
    path[operation.method.toLowerCase()] = describe(operation, components);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Parley, admin API",
      version: manifest.version,
      description:
        "What operators see and do of a running sidecar. On the Unix socket all is allowed; over TCP changing takes the token of admin.tokenFile, and reading too unless the address is loopback.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      responses: responsesOf(operations, components),
    },
  };
}

/** The resource that a path begins with. */
function tagOf({ path }: Operation): string {
  return path.split("/").find((part) => part !== "" && part !== "v1") ??
    "page";
}

function describe(operation: Operation, components: Components): object {
  const { id, summary, description, body, text, answers } = operation;
  const content = text
    ? Object.fromEntries(
      text.map((type) => [type, { schema: {} }]),
    )
    : body && { "application/json": { schema: components.of(body, "input") } };
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tagOf(operation)],
    parameters: parametersOf(operation, components),
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          {
            description: answer.description,
            ...headersOf(answer.headers),
            ...(answer.content
              ? { content: contentOf(answer.content, components) }
              : {}),
          },
        ]),
      ),
      ...Object.fromEntries(
        problemsOf(operation).map((status) => [
          status,
          { $ref: `#/components/responses/${status}` },
        ]),
      ),
    },
  };
}

/** Statuses of its problem documents. */
function problemsOf({ params, body, text, problems }: Operation): number[] {
  return [
    ...ALWAYS,
    ...(body || text ? OF_BODIES : []),
    ...(params ? [422] : []),
    ...problems ?? [],
  ];
}

function parametersOf(
  { params, query, headers }: Operation,
  components: Components,
): object[] {
  const of = (place: string, shape: Readonly<Record<string, z.ZodType>> = {}) =>
    Object.entries(shape).map(([name, one]) => {
      const { description, ...rest } = components.of(one, "output");
      return {
        name,
        in: place,
        required: !(one as z.ZodType).safeParse(undefined).success,
        ...(description === undefined ? {} : { description }),
        schema: rest,
      };
    });
  return [
    ...of("path", params?.shape),
    ...of("query", query?.shape),
    ...of("header", headers),
  ];
}

function headersOf(headers: Readonly<Record<string, string>> | undefined) {
  if (!headers) return {};
  const entries = Object.entries(headers).map(([name, description]) => {
    return [name, { description, schema: { type: "string" } }];
  });
  return { headers: Object.fromEntries(entries) };
}

function contentOf(
  content: Readonly<Record<string, z.ZodType>>,
  components: Components,
): object {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => {
      return [type, { schema: components.of(schema, "output") }];
    }),
  );
}

function responsesOf(
  operations: readonly Operation[],
  components: Components,
): object {
  const content = {
    "application/problem+json": { schema: components.of(problem, "output") },
  };
  const statuses = [...new Set(operations.flatMap(problemsOf))];
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: TITLES[status]!, content },
    ]),
  );
}

/** Schemas, those with an `id` once. */
class Components {
  readonly schemas: Record<string, object> = {};

  of(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> {
    const { $schema: _, $defs = {}, ...rest } = z.toJSONSchema(schema, {
      io,
      unrepresentable: "any",
    });
    for (const [id, one] of Object.entries($defs)) {
      this.schemas[id] ??= withReferences(one) as object;
    }
    const { id, ...own } = rest;
    if (typeof id !== "string") {
      return withReferences(own) as Record<string, unknown>;
    }
    this.schemas[id] ??= withReferences(own) as object;
    return { $ref: `#/components/schemas/${id}` };
  }
}

/** With references to where components are. */
function withReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReferences);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      if (key === "id" && typeof member === "string") return [];
      if (key !== "$ref" || typeof member !== "string") {
        return [[key, withReferences(member)]];
      }
      return [[key, member.replace("#/$defs/", "#/components/schemas/")]];
    }),
  );
}
