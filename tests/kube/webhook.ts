/**
 * `parley webhook` as a process, with the rights of its service account and the
 * permissions of its permission set.
 *
 * @module
 */
import { parseAllDocuments } from "yaml";
import { Lines } from "../e2e/lines.ts";
import { output } from "../setup/tool.ts";
import type { Cluster, KubeObject } from "./cluster.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const CONFIGURATION =
  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/parley-webhook";

/** What `kubectl kustomize deploy/base` makes. */
export async function deployed(kubectl: string): Promise<KubeObject[]> {
  const text = await output(kubectl, ["kustomize", `${ROOT}deploy/base`]);
  return (parseAllDocuments(text) as { toJS(): KubeObject }[])
    .map((document) => document.toJS());
}

/** The same for a webhook that listens at a port of loopback. */
export function onLoopback(object: KubeObject, port: number): KubeObject {
  if (object.kind !== "MutatingWebhookConfiguration") return object;
  const webhooks = object.webhooks as object[];
  const clientConfig = { url: `https://127.0.0.1:${port}/inject` };
  return {
    ...object,
    webhooks: webhooks.map((webhook) => ({ ...webhook, clientConfig })),
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

export class WebhookProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly said: Lines;
  #isEnded = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.said = new Lines(child.stderr);
  }

  /** Starts it; it is there when it says so. */
  static async start(
    cluster: Cluster,
    port: number,
    life: string,
  ): Promise<WebhookProcess> {
    const folder = await Deno.makeTempDir({ dir: cluster.folder });
    await Deno.writeTextFile(`${folder}/token`, await tokenOf(cluster));
    await Deno.copyFile(cluster.caFile, `${folder}/ca.crt`);
    const kubeconfig = `${folder}/config`;
    await Deno.writeTextFile(
      kubeconfig,
      JSON.stringify({
        "current-context": "test",
        contexts: [{
          name: "test",
          context: { cluster: "test", user: "test" },
        }],
        clusters: [{
          name: "test",
          cluster: {
            server: cluster.server,
            "certificate-authority": "ca.crt",
          },
        }],
        users: [{ name: "test", user: { tokenFile: "token" } }],
      }),
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-q", "--cached-only", "--no-prompt", "-P=webhook"],
        ...[`--allow-read=${folder}`, "main.ts", "webhook"],
        ...["--kubeconfig", kubeconfig, "--namespace", "parley-system"],
        ...["--listen", `127.0.0.1:${port}`, "--host", "127.0.0.1"],
        ...["--image", "parley:test", "--certificate-life", life],
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const webhook = new WebhookProcess(child);
    await webhook.said.until(
      (line) => line.includes("webhook at "),
      "webhook that listens",
    );
    return webhook;
  }

  /** Ends it; once more is nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.said.done;
  }
}

/** A token of the webhook's service account. */
async function tokenOf(cluster: Cluster): Promise<string> {
  const { body } = await cluster.send(
    "POST",
    "/api/v1/namespaces/parley-system/serviceaccounts/parley-webhook/token",
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  );
  return body.status.token;
}
