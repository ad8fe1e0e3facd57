/**
 * A command of Parley's as a process, with the rights of a service account and
 * the permissions of its permission set.
 *
 * @module
 */
import { Lines } from "../e2e/lines.ts";
import type { Cluster } from "./cluster.ts";

export const ROOT = new URL("../../", import.meta.url).pathname;

export class KubeProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly said: Lines;
  #isEnded = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.said = new Lines(child.stderr);
  }

  /**
   * Starts it; it is there when it says so.
   *
   * @param name of the command, and of its permission set
   * @param says a part of the line that says so
   */
  static async start(
    cluster: Cluster,
    name: string,
    args: readonly string[],
    says: string,
  ): Promise<KubeProcess> {
    const folder = await writeKubeconfig(cluster, `parley-${name}`);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-q", "--cached-only", "--no-prompt", `-P=${name}`],
        ...[`--allow-read=${folder}`, "main.ts", name],
        ...["--kubeconfig", `${folder}/config`],
        ...["--namespace", "parley-system", ...args],
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const process = new KubeProcess(child);
    await process.said.until(
      (line) => line.includes(says),
      `${name} that runs`,
    );
    return process;
  }

  /** What it counts. */
  async metrics(): Promise<string> {
    const line = await this.said.until(
      (line) => /metrics at port \d+/.test(line),
      "port of metrics",
    );
    const [, port] = /metrics at port (\d+)/.exec(line)!;
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return await response.text();
  }

  /** Ends it at once, as a node does that dies. */
  async kill(): Promise<void> {
    this.#isEnded = true;
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.said.done;
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

/** A folder with a `config` by which a service account is known. */
async function writeKubeconfig(
  cluster: Cluster,
  account: string,
): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: cluster.folder });
  await Deno.writeTextFile(`${folder}/token`, await tokenOf(cluster, account));
  await Deno.copyFile(cluster.caFile, `${folder}/ca.crt`);
  await Deno.writeTextFile(
    `${folder}/config`,
    JSON.stringify({
      "current-context": "test",
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      clusters: [{
        name: "test",
        cluster: { server: cluster.server, "certificate-authority": "ca.crt" },
      }],
      users: [{ name: "test", user: { tokenFile: "token" } }],
    }),
  );
  return folder;
}

/** A token of one of Parley's service accounts. */
async function tokenOf(cluster: Cluster, account: string): Promise<string> {
  const { body } = await cluster.send(
    "POST",
    `/api/v1/namespaces/parley-system/serviceaccounts/${account}/token`,
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  );
  return body.status.token;
}
