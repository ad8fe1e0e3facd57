/**
 * What deploy/ installs, and `parley webhook` as it runs there.
 *
 * @module
 */
import { parseAllDocuments } from "yaml";
import { output } from "../setup/tool.ts";
import type { Cluster, KubeObject } from "./cluster.ts";
import { KubeProcess, ROOT } from "./process.ts";

const CONFIGURATION =
  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/parley-webhook";

/** What kustomize makes of a folder of deploy/. */
export async function deployed(
  kubectl: string,
  folder = "base",
): Promise<KubeObject[]> {
  const text = await output(kubectl, ["kustomize", `${ROOT}deploy/${folder}`]);
  return (parseAllDocuments(text) as { toJS(): KubeObject }[])
    .map((document) => document.toJS());
}

/** The same for a webhook that listens at a port of loopback. */
export function onLoopback(object: KubeObject, port: number): KubeObject {
  if (!/WebhookConfiguration$/.test(object.kind)) return object;
  const webhooks = object.webhooks as {
    clientConfig: { service: { path: string } };
  }[];
  return {
    ...object,
    webhooks: webhooks.map((webhook) => {
      const { path } = webhook.clientConfig.service;
      const clientConfig = { url: `https://127.0.0.1:${port}${path}` };
      // The API server's patience is not what is tested, on a busy machine.
      return { ...webhook, clientConfig, timeoutSeconds: 30 };
    }),
  };
}

/** Whom the API server trusts at each of the two webhooks. */
export async function bundles(cluster: Cluster): Promise<string[]> {
  const { body } = await cluster.send("GET", CONFIGURATION);
  return body.webhooks.map(
    ({ clientConfig }: { clientConfig: { caBundle?: string } }) =>
      clientConfig.caBundle ?? "",
  );
}

/** Somebody writes another authority there. */
export async function overwriteBundles(
  cluster: Cluster,
  bundle: string,
): Promise<void> {
  await cluster.send(
    "PATCH",
    CONFIGURATION,
    [0, 1].map((index) => ({
      op: "replace",
      path: `/webhooks/${index}/clientConfig/caBundle`,
      value: bundle,
    })),
  );
}

/** The webhook at a port of loopback, with certificates of this life. */
export function startWebhook(
  cluster: Cluster,
  port: number,
  life: string,
  args: readonly string[] = [],
): Promise<KubeProcess> {
  return KubeProcess.start(cluster, "webhook", [
    ...["--listen", `127.0.0.1:${port}`, "--host", "127.0.0.1"],
    ...["--image", "parley:test", "--certificate-life", life],
    ...["--metrics", "127.0.0.1:0", ...args],
  ], "webhook at ");
}
