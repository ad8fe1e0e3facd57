/**
 * What the admin socket answers.
 *
 * | request | does |
 * | --- | --- |
 * | `GET /v1/status` | policy documents and sources of identities, with their ages |
 * | `GET /v1/parsers` | parsers, version by version |
 * | `POST /v1/parsers/reload` | stages all again, and says what came of it |
 * | `POST /v1/parsers/NAME/reload` | stages one again |
 * | `GET /v1/connections` | open connections |
 * | `POST /v1/connections/close` | ends `{"id": N}` or `{"parser": "NAME@VERSION"}` |
 *
 * @module
 */
import type { Administered, Which } from "../proxy/administered.ts";
import type { Handle } from "./exchange.ts";
import { problemResponse, RequestError } from "./problem.ts";

interface Route {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  /** What is answered, as JSON. `name` is what the path holds. */
  readonly act: (
    sidecar: Administered,
    request: Request,
    name: string | undefined,
  ) => Promise<unknown>;
}

const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: /^\/v1\/status$/,
    act: (sidecar) => sidecar.status(),
  },
  {
    method: "GET",
    path: /^\/v1\/parsers$/,
    act: async (sidecar) => ({ parsers: await sidecar.parsers() }),
  },
  {
    method: "POST",
    path: /^\/v1\/parsers\/reload$/,
    act: async (sidecar) => ({ parsers: await sidecar.reloadParsers() }),
  },
  {
    method: "POST",
    path: /^\/v1\/parsers\/([^/]+)\/reload$/,
    act: (sidecar, _request, name) => reloadOne(sidecar, name!),
  },
  {
    method: "GET",
    path: /^\/v1\/connections$/,
    act: (sidecar) => sidecar.connections(),
  },
  {
    method: "POST",
    path: /^\/v1\/connections\/close$/,
    act: close,
  },
];

/** What answers requests about a sidecar. */
export function createRoutes(sidecar: Administered): Handle {
  return async (request) => {
    try {
      return Response.json(await dispatch(sidecar, request), {
        headers: { "cache-control": "no-store" },
      });
    } catch (error) {
      if (error instanceof RequestError) return problemResponse(error);
      throw error;
    }
  };
}

function dispatch(sidecar: Administered, request: Request): Promise<unknown> {
  const { pathname } = new URL(request.url);
  const there = ROUTES.filter(({ path }) => path.test(pathname));
  if (there.length === 0) {
    throw new RequestError(
      404,
      `${pathname} is not there; there are /v1/status, /v1/parsers and /v1/connections`,
    );
  }
  const wanted = request.method === "HEAD" ? "GET" : request.method;
  const route = there.find(({ method }) => method === wanted);
  if (!route) {
    const allow = there.map(({ method }) => method).join(", ");
    throw new RequestError(
      405,
      `${pathname} does not take ${request.method}; use ${allow}`,
      { allow },
    );
  }
  return route.act(sidecar, request, route.path.exec(pathname)![1]);
}

async function reloadOne(
  sidecar: Administered,
  name: string,
): Promise<unknown> {
  const [parser] = await sidecar.reloadParsers(name);
  if (parser) return { parsers: [parser] };
  throw new RequestError(
    404,
    `no parser named ${name} is there; GET /v1/parsers lists them`,
  );
}

async function close(sidecar: Administered, request: Request) {
  const which = await readWhich(request);
  const closed = await sidecar.closeConnections(which);
  if (closed > 0 || "parser" in which) return { closed };
  throw new RequestError(
    404,
    `no connection ${which.id} is open; GET /v1/connections lists them`,
  );
}

const WHICH = 'send {"id": N} or {"parser": "NAME@VERSION"}';
const VERSION = /^[a-z][a-z0-9_-]*@[0-9a-f]+$/;

async function readWhich(request: Request): Promise<Which> {
  const body = await readJson(request);
  const { id, parser, ...more } = body;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) {
    throw new RequestError(
      422,
      `${JSON.stringify(unknown)} says nothing here; ${WHICH}`,
    );
  }
  if ((id === undefined) === (parser === undefined)) {
    throw new RequestError(422, `the body names no connections; ${WHICH}`);
  }
  if (parser !== undefined) {
    if (typeof parser === "string" && VERSION.test(parser)) return { parser };
    throw new RequestError(422, `parser is no NAME@VERSION; ${WHICH}`);
  }
  if (typeof id === "number" && Number.isSafeInteger(id) && id > 0) {
    return { id };
  }
  throw new RequestError(422, `id is no number of a connection; ${WHICH}`);
}

async function readJson(request: Request): Promise<Record<string, unknown>> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw new RequestError(
      415,
      "the body is not application/json; say so in Content-Type",
    );
  }
  let value: unknown;
  try {
    value = await request.json();
  } catch {
    throw new RequestError(400, `the body is no JSON; ${WHICH}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new RequestError(422, `the body is no object; ${WHICH}`);
}
