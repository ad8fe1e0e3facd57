/**
 * What the commands that run in a cluster have in common.
 *
 * @module
 */
import { exposition, METRICS_TYPE } from "../admin/metrics/exposition.ts";
import {
  type Access,
  inCluster,
  SERVICE_ACCOUNT,
} from "../kube/client/access.ts";
import type { MetricsOptions } from "../kube/metrics.ts";
import { UsageError } from "./exit.ts";
import { readFile } from "./files.ts";

/** How the API server is reached: as the pod's account, or as a file says. */
export async function accessTo(
  kubeconfig: string | undefined,
): Promise<Access> {
  if (kubeconfig === undefined) {
    return await inCluster((name) => Deno.env.get(name), Deno.readTextFile);
  }
  const { byKubeconfig } = await import("../kube/client/kubeconfig.ts");
  return await byKubeconfig(kubeconfig, readFile);
}

/** The namespace of the pod. @throws {UsageError} outside of one */
export async function ownNamespace(what: string): Promise<string> {
  try {
    return (await Deno.readTextFile(`${SERVICE_ACCOUNT}/namespace`)).trim();
  } catch {
    throw new UsageError(
      `this is no pod of a cluster; say with --namespace where ${what} is`,
    );
  }
}

/** Reads `host:port`. @throws {UsageError} naming the option */
export function readListen(
  option: string,
  text: string,
): { hostname: string; port: number } {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(digits);
  if (hostname !== undefined && port <= 65535) return { hostname, port };
  throw new UsageError(
    `${option}: ${
      JSON.stringify(text)
    } cannot be; write host:port or [v6]:port`,
  );
}

/** Where metrics are served, and how they are written. */
export function readMetrics(text: string): MetricsOptions {
  return {
    ...readListen("--metrics", text),
    exposition: { type: METRICS_TYPE, write: exposition },
  };
}

/** Until SIGTERM or SIGINT comes; which. */
export function untilStopped(): Promise<Deno.Signal> {
  const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => resolve(signal));
  }
  return promise;
}
