/**
 * `parley webhook`: puts sidecars into the pods of a cluster.
 *
 * @module
 */
import { inCluster, SERVICE_ACCOUNT } from "../kube/client/access.ts";
import { KubeClient } from "../kube/client/client.ts";
import { Webhook } from "../kube/webhook/webhook.ts";
import { thrownText } from "../proxy/thrown.ts";
import { EXIT_FAILED, UsageError } from "./exit.ts";
import { IMAGE } from "./inject.ts";
import { createOperatorLog } from "./operator_log.ts";

/** What `--help` lists. */
export interface WebhookOptions {
  readonly listen: string;
  readonly image?: string;
  readonly host?: readonly string[];
  readonly namespace?: string;
  readonly certificateLife: string;
  readonly kubeconfig?: string;
}

/** Runs until SIGTERM or SIGINT; the exit code. */
export async function webhook(options: WebhookOptions): Promise<number> {
  const log = createOperatorLog();
  const { hostname, port } = readListen(options.listen);
  const life = readLife(options.certificateLife);
  const namespace = options.namespace ?? await ownNamespace();
  const stopped = untilStopped();
  try {
    using client = new KubeClient(await access(options));
    await using webhook = await Webhook.start({
      client,
      hostname,
      port,
      namespace,
      hosts: options.host ?? [`parley-webhook.${namespace}.svc`],
      life,
      image: options.image ?? IMAGE,
      log,
    });
    log.info(`webhook at ${hostname}:${webhook.port}, for ${namespace}`);
    log.info(`${await stopped}: no more reviews`);
    return 0;
  } catch (error) { // the cluster is not as it needs it
    log.error(`the webhook does not run: ${thrownText(error)}`);
    return EXIT_FAILED;
  }
}

async function access({ kubeconfig }: WebhookOptions) {
  if (kubeconfig === undefined) {
    return await inCluster((name) => Deno.env.get(name), Deno.readTextFile);
  }
  const { byKubeconfig } = await import("../kube/client/kubeconfig.ts");
  return await byKubeconfig(kubeconfig, Deno.readTextFile);
}

async function ownNamespace(): Promise<string> {
  try {
    return (await Deno.readTextFile(`${SERVICE_ACCOUNT}/namespace`)).trim();
  } catch {
    throw new UsageError(
      "this is no pod of a cluster; say with --namespace where the webhook's Secret is",
    );
  }
}

function readListen(text: string): { hostname: string; port: number } {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(digits);
  if (hostname !== undefined && port <= 65535) return { hostname, port };
  throw new UsageError(
    `--listen: ${JSON.stringify(text)} cannot be; write host:port or [v6]:port`,
  );
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LONGEST_LIFE = 825 * UNITS.d;

function readLife(text: string): number {
  const [, digits, unit] = /^(\d{1,6})(m|h|d)$/.exec(text) ?? [];
  const life = Number(digits) * UNITS[unit as keyof typeof UNITS];
  if (life >= UNITS.m && life <= LONGEST_LIFE) return life;
  throw new UsageError(
    `--certificate-life: ${
      JSON.stringify(text)
    } cannot be; write from 1m to 825d, such as 90d`,
  );
}

function untilStopped(): Promise<Deno.Signal> {
  const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => resolve(signal));
  }
  return promise;
}
