/**
 * `parley webhook`: puts sidecars into the pods of a cluster.
 *
 * @module
 */
import { KubeClient } from "../kube/client/client.ts";
import { trusting } from "../kube/controller/judge.ts";
import { Webhook } from "../kube/webhook/webhook.ts";
import { thrownText } from "../proxy/thrown.ts";
import { builtInCatalog } from "./built_in_catalog.ts";
import { EXIT_FAILED, UsageError } from "./exit.ts";
import {
  accessTo,
  ownNamespace,
  readListen,
  readMetrics,
  untilStopped,
} from "./in_cluster.ts";
import { readImage } from "./inject.ts";
import { createOperatorLog } from "./operator_log.ts";

/** What `--help` lists. */
export interface WebhookOptions {
  readonly listen: string;
  readonly image?: string;
  readonly host?: readonly string[];
  readonly namespace?: string;
  readonly certificateLife: string;
  readonly metrics: string;
  readonly controller?: string;
  readonly l7proto?: readonly string[];
  readonly kubeconfig?: string;
}

/** Runs until SIGTERM or SIGINT; the exit code. */
export async function webhook(options: WebhookOptions): Promise<number> {
  const log = createOperatorLog();
  const { hostname, port } = readListen("--listen", options.listen);
  const metrics = readMetrics(options.metrics);
  const life = readLife(options.certificateLife);
  const image = readImage(options.image);
  const controller = options.controller === undefined
    ? {}
    : { controller: readController(options.controller) };
  const namespace = options.namespace ??
    await ownNamespace("the webhook's Secret");
  const stopped = untilStopped();
  try {
    using client = new KubeClient(await accessTo(options.kubeconfig));
    await using webhook = await Webhook.start({
      client,
      hostname,
      port,
      namespace,
      hosts: options.host ?? [`parley-webhook.${namespace}.svc`],
      life,
      image,
      catalog: trusting(builtInCatalog(), options.l7proto ?? []),
      metrics,
      ...controller,
      log,
    });
    log.info(
      `webhook at ${hostname}:${webhook.port}, for ${namespace}, metrics at port ${webhook.metricsPort}`,
    );
    log.info(`${await stopped}: no more reviews`);
    return 0;
  } catch (error) { // the cluster is not as it needs it
    log.error(`the webhook does not run: ${thrownText(error)}`);
    return EXIT_FAILED;
  }
}

/** As `controller.url` of a sidecar's configuration takes it. */
function readController(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "https:" && url.origin === text) return text;
  throw new UsageError(
    `--controller: ${
      JSON.stringify(text)
    } cannot be; write https://, a host and a port, such as https://parley-controller.parley-system.svc:443`,
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
