/**
 * An operation of the REST API: what it takes, what it answers, and what it
 * does, in one place. Requests are checked by the schemas that the OpenAPI
 * document is made of.
 *
 * @module
 */
import { z } from "zod";
import { nearMiss, oneOf, quote } from "../../policy/problem.ts";
import { RequestError } from "../problem.ts";
import { refuseParameters } from "../query.ts";

/** What a status means, and what comes with it. */
export interface Answer {
  readonly description: string;
  /** Of the body, by its type; absent: there is none. */
  readonly content?: Readonly<Record<string, z.ZodType>>;
  /** Header fields that matter, with what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an operation takes beside its path. */
interface Shapes<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
> {
  readonly params: Params;
  readonly query: Query;
  /** JSON. */
  readonly body: Body;
}

/** What an operation is given. */
export interface Input<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly request: Request;
}

/** What of an operation is the same for all shapes. */
interface Described {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** With `{name}` where a parameter is. */
  readonly path: string;
  /** For programs that are made from the document. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Header fields that it reads itself, as the document has them. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  /** Types of a body that is text. */
  readonly text?: readonly string[];
  readonly answers: Readonly<Record<number, Answer>>;
  /** Statuses of its problem documents, beside those of every operation. */
  readonly problems?: readonly number[];
}

/** An operation whose shapes are forgotten: what the application and the document need. */
export interface Operation
  extends Described, Partial<Shapes<z.ZodObject, z.ZodObject, z.ZodType>> {
  /** @param params as they stand in the path, decoded */
  run(
    request: Request,
    params: Readonly<Record<string, string>>,
  ): Promise<Response>;
}

/** Makes an operation of its description and of what it does. @throws {RequestError} from `act`, for what it refuses */
export function operation<
  Params extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Body extends z.ZodType = z.ZodUndefined,
>(
  described: Described & Partial<Shapes<Params, Query, Body>>,
  act: (
    input: Input<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Response | Promise<Response>,
): Operation {
  return {
    ...described,
    async run(request, params) {
      const { searchParams } = new URL(request.url);
      const known = Object.keys(described.query?.shape ?? {});
      refuseParameters(searchParams, known);
      refuseBody(request);
      checkType(request, described);
      return await act({
        params: read(described.params, params, 422, "path"),
        query: read(
          described.query,
          Object.fromEntries(searchParams),
          400,
          "query",
        ),
        body: described.body
          ? read(described.body, await readJson(request), 422, "body")
          : undefined as z.output<Body>,
        request,
      });
    },
  };
}

/** After it is known that there is such an operation: 405 says more. @throws {RequestError} */
function refuseBody({ method, headers }: Request): void {
  const length = Number(headers.get("content-length") ?? 0);
  if (method === "GET" && length > 0) {
    throw new RequestError(400, "GET and HEAD take no body; send none");
  }
}

/** Reads a value by its schema. @throws {RequestError} that says where it is wrong */
function read<Schema extends z.ZodType>(
  schema: Schema | undefined,
  value: unknown,
  status: number,
  where: string,
): z.output<Schema> {
  if (!schema) return {} as z.output<Schema>;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => faultOf(issue, schema));
  throw new RequestError(
    status,
    faults.map(({ at, found, mend }) =>
      `${[where, ...at].join(".")}: ${found}; ${mend}`
    ).join("; "),
    {},
    {
      errors: faults.map(({ at, found, mend }) => {
        return { in: where, at: at.join("."), found, mend };
      }),
    },
  );
}

interface Fault {
  readonly at: readonly string[];
  readonly found: string;
  readonly mend: string;
}

function faultOf(issue: z.core.$ZodIssue, schema: z.ZodType): Fault {
  const at = issue.path.map(String);
  const hint = memberAt(schema, at)?.description ?? schema.description;
  if (issue.code === "unrecognized_keys") {
    const known = schema instanceof z.ZodObject
      ? Object.keys(schema.shape)
      : [];
    const [key] = issue.keys;
    const mend = nearMiss(key!, known) ??
      (hint === undefined ? `use ${oneOf(known)}` : `send ${hint}`);
    return {
      at: [...at, key!],
      found: `${quote(key)} is not known here`,
      mend,
    };
  }
  const mend = hint === undefined ? "see /openapi.json" : `send ${hint}`;
  return { at, found: issue.message, mend };
}

/** The schema of a member, if it is one of an object. */
function memberAt(
  schema: z.ZodType,
  [name]: readonly string[],
): z.ZodType | undefined {
  return schema instanceof z.ZodObject && name !== undefined
    ? schema.shape[name]
    : undefined;
}

/** A body is of a type that is read; a request without one has no other type either. */
function checkType(
  request: Request,
  { body, text }: Described & { body?: unknown },
) {
  const known = text ?? ["application/json"];
  const written = request.headers.get("content-type");
  const type = written?.replace(/;.*/, "").trim().toLowerCase();
  const isWanted = body !== undefined || text !== undefined;
  if (type === undefined ? !isWanted : known.includes(type)) return;
  const found = type === undefined
    ? "the body has no Content-Type"
    : `the body is ${quote(type)}`;
  throw new RequestError(415, `${found}; send ${oneOf(known)}`, {
    accept: known.join(", "),
  });
}

async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RequestError(
      400,
      `the body is no JSON: ${(error as Error).message}; send JSON`,
    );
  }
}

/** The body as text. @throws {RequestError} when it is no UTF-8 */
export async function readText(request: Request): Promise<string> {
  const bytes = await request.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    throw new RequestError(
      400,
      "the body has bytes that are no UTF-8; send it in UTF-8",
    );
  }
}

/** An answer in JSON. */
export function json(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(value, {
    status,
    headers: { "cache-control": "no-store", ...headers },
  });
}
