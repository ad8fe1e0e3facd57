/**
 * `parley controller`: tells sidecars what they need of a cluster.
 *
 * @module
 */
import { KubeClient } from "../kube/client/client.ts";
import { Controller } from "../kube/controller/controller.ts";
import { trusting } from "../kube/controller/judge.ts";
import { parsePrefix } from "../policy/cidr.ts";
import { quote } from "../policy/problem.ts";
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
import { createOperatorLog } from "./operator_log.ts";

/** What `--help` lists. */
export interface ControllerOptions {
  readonly listen: string;
  readonly metrics: string;
  readonly host?: readonly string[];
  readonly namespace?: string;
  readonly podCidr?: readonly string[];
  readonly l7proto?: readonly string[];
  readonly kubeconfig?: string;
}

/** Runs until SIGTERM or SIGINT; the exit code. */
export async function controller(options: ControllerOptions): Promise<number> {
  const log = createOperatorLog();
  const listen = readListen("--listen", options.listen);
  const metrics = readMetrics(options.metrics);
  const namespace = options.namespace ?? await ownNamespace("the controller");
  const podCidrs = (options.podCidr ?? []).map(readPrefix);
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
      podCidrs,
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

/** @throws {UsageError} when it is none */
function readPrefix(text: string): string {
  if (parsePrefix(text)) return text;
  throw new UsageError(
    `--pod-cidr ${
      quote(text)
    } is no prefix; write an address and a length, such as 10.0.0.0/8`,
  );
}
