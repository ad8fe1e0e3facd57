/**
 * Whether the sidecar lives, and whether it should be sent work.
 *
 * @module
 */
import type { Administered } from "../proxy/administered.ts";
import { RequestError } from "./problem.ts";

/** It lives, since it answers. */
export function health(): Response {
  return text("ok\n");
}

/** @throws {RequestError} 503 and why, as long as it should not be sent work */
export function readiness(sidecar: Administered): Response {
  const reasons = sidecar.unready();
  if (reasons.length === 0) return text("ready\n");
  throw new RequestError(
    503,
    `${reasons.join("; ")}; see GET /v1/status`,
    {},
    { reasons },
  );
}

function text(body: string): Response {
  return new Response(body, {
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
    },
  });
}
