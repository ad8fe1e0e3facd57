/**
 * `parley metrics list`.
 *
 * @module
 */
import { readExposition } from "../admin/metrics/exposition.ts";
import { answered, needSidecar, type SidecarOption } from "./admin_client.ts";
import { tableLines } from "./table.ts";

/** Workers that do not answer are waited for, for three seconds. */
const PATIENCE_MS = 10_000;

/** Lists what the running sidecar measures, as `GET /metrics` has it. */
export async function list(
  { json = false, ...option }: SidecarOption & { json?: boolean },
): Promise<number> {
  const sidecar = await needSidecar(option);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const text = await answered(
    sidecar,
    "GET",
    "/metrics",
    { signal },
    (response) => response.text(),
  );
  const samples = readExposition(text);
  if (json) {
    console.log(JSON.stringify({ metrics: samples }, null, 2));
    return 0;
  }
  const rows = samples.map(({ name, labels, value }) => {
    const pairs = Object.entries(labels)
      .map(([label, text]) => `${label}=${JSON.stringify(text)}`);
    return [name, pairs.join(" ") || "-", String(value)];
  });
  for (const line of tableLines([["METRIC", "LABELS", "VALUE"], ...rows])) {
    console.log(line);
  }
  return 0;
}
