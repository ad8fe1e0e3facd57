/**
 * `parley controller`: tells sidecars what they need of a cluster.
 *
 * @module
 */
import { KubeClient } from "../kube/client/client.ts";
import { Controller } from "../kube/controller/controller.ts";
import { trusting } from "../kube/controller/judge.ts";
import { thrownText } from "../proxy/thrown.ts";
import { builtInCatalog } from "./built_in_catalog.ts";
import { EXIT_FAILED } from "./exit.ts";
import {
  accessTo,
  ownNamespace,
  readListen,
  readMetrics,
  untilStopped,
} from "./in_cluster.ts";
import { createOperatorLog } from "./operator_log.ts";

/** What `--help` lists. */
export interface ControllerOptions {
  readonly listen: string;
  readonly metrics: string;
  readonly host?: readonly string[];
  readonly namespace?: string;
  readonly l7proto?: readonly string[];
  readonly kubeconfig?: string;
}

/** Runs until SIGTERM or SIGINT; the exit code. */
export async function controller(options: ControllerOptions): Promise<number> {
  const log = createOperatorLog();
  const listen = readListen("--listen", options.listen);
  const metrics = readMetrics(options.metrics);
  const namespace = options.namespace ?? await ownNamespace("the controller");
  const stopped = untilStopped();
  try {
    using client = new KubeClient(await accessTo(options.kubeconfig));
    await using controller = await Controller.start({
      client,
      namespace,
      // Names of pods come again, where a StatefulSet makes them.
      identity: `${Deno.hostname()}_${crypto.randomUUID()}`,
      listen,
      hosts: options.host ?? [`parley-controller.${namespace}.svc`],
      metrics,
      catalog: trusting(builtInCatalog(), options.l7proto ?? []),
      log,
    });
    log.info(
      `controller at ${listen.hostname}:${controller.port}, metrics at port ${controller.metricsPort}`,
    );
    log.info(`${await stopped}: sidecars go on with what they know`);
    return 0;
  } catch (error) { // the cluster is not as it needs it
    log.error(`the controller does not run: ${thrownText(error)}`);
    return EXIT_FAILED;
  }
}
