/**
 * What the process itself takes, under the names that all Prometheus clients
 * have for it. Of a sidecar of several processes it is the supervisor.
 *
 * @module
 */
import process from "node:process";
import type { Family } from "./exposition.ts";

export function processFamilies(): Family[] {
  const { user, system } = process.cpuUsage();
  const single = (
    name: string,
    type: Family["type"],
    help: string,
    value: number,
  ): Family => {
    return { name, type, help, samples: [{ labels: {}, value }] };
  };
  return [
    single(
      "process_cpu_seconds_total",
      "counter",
      "Processor time that the supervisor has used.",
      (user + system) / 1e6,
    ),
    single(
      "process_resident_memory_bytes",
      "gauge",
      "Resident memory of the supervisor.",
      Deno.memoryUsage().rss,
    ),
    single(
      "process_start_time_seconds",
      "gauge",
      "When the supervisor started, in seconds since the epoch.",
      performance.timeOrigin / 1000,
    ),
  ];
}
