/**
 * What is asked first: what is asked again and again is answered at once, and
 * all else by the REST application, which is loaded when somebody needs it.
 *
 * Every pod is probed and scraped, so that what answers these loads no library.
 *
 * @module
 */
import { type Administered, STOPPING } from "../proxy/administered.ts";
import type { Handle } from "./exchange.ts";
import { metricsResponse } from "./metrics/mod.ts";
import { health, readiness } from "./probes.ts";
import { problemResponse, RequestError } from "./problem.ts";
import { refuseParameters } from "./query.ts";

/** Answers GET of one path. */
type Answer = (sidecar: Administered) => Response | Promise<Response>;

/** Answered without the application, which documents them all the same. */
const OFTEN: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ["/healthz", health],
  ["/readyz", readiness],
  ["/metrics", metricsResponse],
]);

/** What answers requests about a sidecar. */
export function createFront(sidecar: Administered): Handle {
  let app: Promise<Handle> | undefined;
  return async (request) => {
    try {
      const url = new URL(request.url);
      const often = OFTEN.get(url.pathname);
      if (often && READING.has(request.method)) {
        refuseParameters(url.searchParams, []);
        return await often(sidecar);
      }
      app ??= import("./app/app.ts").then(({ createApp }) =>
        createApp(sidecar)
      );
      return await (await app)(request);
    } catch (error) {
      if (error instanceof RequestError) return problemResponse(error);
      if (!sidecar.unready().includes(STOPPING)) throw error;
      // What was under way ended with what it waited for.
      return problemResponse(
        new RequestError(503, `${STOPPING}; ask again when it runs again`),
      );
    }
  };
}

const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);
