/**
 * `GET /metrics`: what a sidecar measures, for Prometheus.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import type { Administered } from "../../proxy/administered.ts";
import type { Metrics } from "../../proxy/counting/metrics.ts";
import { exposition, METRICS_TYPE } from "./exposition.ts";
import { families } from "./families.ts";

/** Who asks at the same time gets the same text, which is made once. */
const texts = new WeakMap<Metrics, string>();

/** The answer to a scrape. */
export async function metricsResponse(
  sidecar: Pick<Administered, "metrics">,
): Promise<Response> {
  const metrics = await sidecar.metrics();
  const { version } = manifest;
  const text = texts.get(metrics) ??
    exposition(families({ metrics, now: Date.now(), version }));
  texts.set(metrics, text);
  return new Response(text, {
    headers: { "content-type": METRICS_TYPE, "cache-control": "no-store" },
  });
}
