/**
 * The REST application. Each resource has a file of its own; here they are put
 * together.
 *
 * @module
 */
import { Hono } from "hono";
import { nearMiss, oneOf, quote } from "../../policy/problem.ts";
import type { Administered } from "../../proxy/administered.ts";
import type { Handle } from "../exchange.ts";
import { problemResponse, RequestError } from "../problem.ts";
import { accessLog } from "./accesslog.ts";
import { configuration } from "./configuration.ts";
import { connections } from "./connections.ts";
import { identities } from "./identities.ts";
import { metrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";
import { parsers } from "./parsers.ts";
import { policies } from "./policies.ts";
import { probes } from "./probes.ts";
import { requests } from "./requests.ts";
import { status } from "./status.ts";
import { trace } from "./trace.ts";

/** All operations, as the document lists them. A resource that is added is added here. */
export function operationsOf(sidecar: Administered): Operation[] {
  const operations = [
    ...probes(sidecar),
    ...status(sidecar),
    ...policies(sidecar),
    ...parsers(sidecar),
    ...connections(sidecar),
    ...identities(sidecar),
    ...configuration(sidecar),
    ...metrics(sidecar),
    ...accessLog(sidecar),
    ...trace(sidecar),
    ...requests(sidecar),
    ...page(),
  ];
  return [...operations, openApi(operations)];
}

/** What answers requests about a sidecar. */
export function createApp(sidecar: Administered): Handle {
  const operations = operationsOf(sidecar);
  const app = new Hono();
  for (const { method, path, run } of operations) {
    app.on(
      method,
      path.replaceAll(/\{(\w+)\}/g, ":$1"),
      (context) => run(context.req.raw, context.req.param()),
    );
  }
  app.notFound(({ req }) =>
    problemResponse(notThere(app, operations, req.raw))
  );
  app.onError((error) => {
    if (error instanceof RequestError) return problemResponse(error);
    throw error;
  });
  // The body of an answer to HEAD is left out where it is written: its length is told.
  return async (request) =>
    await app.fetch(
      request.method === "HEAD"
        ? new Request(request, { method: "GET" })
        : request,
    );
}

/** No operation is there: the path is not known, or not with this method. */
function notThere(
  app: Hono,
  operations: readonly Operation[],
  request: Request,
): RequestError {
  const { pathname } = new URL(request.url);
  const methods = [...new Set(operations.map(({ method }) => method))]
    .filter((method) => app.router.match(method, pathname)[0].length > 0);
  if (methods.length > 0) {
    const allow = methods.includes("GET")
      ? ["GET", "HEAD", ...methods.filter((one) => one !== "GET")]
      : methods;
    return new RequestError(
      405,
      `${quote(pathname)} does not take ${request.method}; use ${oneOf(allow)}`,
      { allow: allow.join(", ") },
    );
  }
  const paths = [...new Set(operations.map(({ path }) => path))];
  return new RequestError(
    404,
    `${quote(pathname)} is not there; ${
      nearMiss(pathname, paths) ?? `there are ${paths.join(", ")}`
    }`,
  );
}
