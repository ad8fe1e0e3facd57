/**
 * A Kubernetes API server with its etcd, on loopback. There is no kubelet and no
 * controller: pods are admitted and stored, and nothing runs them.
 *
 * @module
 */
import { createPrivateKey } from "node:crypto";
import { poll } from "../e2e/wait.ts";
import type { Tool } from "../setup/mod.ts";
import { freePort } from "../free_port.ts";

/** May do everything. */
const ADMIN_TOKEN = "admin-token";

/** What the API server answered. */
export interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- objects of many kinds
  readonly body: any;
  readonly warnings: readonly string[];
}

export class Cluster implements AsyncDisposable {
  readonly folder: string;
  readonly server: string;
  readonly #processes: readonly Deno.ChildProcess[];
  readonly #http: Deno.HttpClient;

  private constructor(
    folder: string,
    server: string,
    processes: readonly Deno.ChildProcess[],
    ca: string,
  ) {
    this.folder = folder;
    this.server = server;
    this.#processes = processes;
    this.#http = Deno.createHttpClient({ caCerts: [ca] });
  }

  /** PEM of the authority that signed the API server's certificate. */
  get caFile(): string {
    return `${this.folder}/tls/apiserver.crt`;
  }

  static async start(etcd: Tool, apiServer: Tool): Promise<Cluster> {
    const folder = await Deno.makeTempDir({ prefix: "parley-kube-" });
    const [client, peer, port] = [freePort(), freePort(), freePort()];
    await Deno.writeTextFile(
      `${folder}/tokens.csv`,
      `${ADMIN_TOKEN},admin,admin,system:masters\n`,
    );
    await writeKey(`${folder}/accounts.pem`);
    const endpoint = `http://127.0.0.1:${client}`;
    const processes = [
      run(etcd, `${folder}/etcd.log`, [
        `--data-dir=${folder}/etcd`,
        "--unsafe-no-fsync",
        `--listen-client-urls=${endpoint}`,
        `--advertise-client-urls=${endpoint}`,
        `--listen-peer-urls=http://127.0.0.1:${peer}`,
      ]),
      run(apiServer, `${folder}/apiserver.log`, [
        `--etcd-servers=${endpoint}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${port}`,
        `--cert-dir=${folder}/tls`,
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        `--token-auth-file=${folder}/tokens.csv`,
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${folder}/accounts.pem`,
        `--service-account-signing-key-file=${folder}/accounts.pem`,
        "--endpoint-reconciler-type=none",
        "--enable-priority-and-fairness=false",
      ]),
    ];
    try {
      const ca = await poll(
        () => readFile(`${folder}/tls/apiserver.crt`),
        () => `certificate of the API server: ${lastLines(folder)}`,
      );
      const server = `https://127.0.0.1:${port}`;
      const cluster = new Cluster(folder, server, processes, ca);
      await poll(
        () => cluster.#isReady(),
        () => `API server that is ready: ${lastLines(folder)}`,
      );
      return cluster;
    } catch (error) {
      for (const process of processes) process.kill("SIGKILL");
      throw error;
    }
  }

  async #isReady(): Promise<true | undefined> {
    const ready = await this.send("GET", "/readyz").catch(() => undefined);
    return ready?.status === 200 ? true : undefined;
  }

  /** Asks as the administrator. */
  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(this.server + path, {
      method,
      client: this.#http,
      headers: {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        "content-type": method === "PATCH"
          ? "application/json-patch+json"
          : "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const header = response.headers.get("warning") ?? "";
    return {
      status: response.status,
      body: text.startsWith("{") ? JSON.parse(text) : text,
      warnings: [...header.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)]
        .map(([, warning]) => warning!),
    };
  }

  /** Creates an object, with unknown and doubled fields refused. */
  async create(object: KubeObject): Promise<Answer> {
    const { namespace } = object.metadata ?? {};
    const collection = COLLECTIONS[object.kind];
    if (!collection) {
      throw new Error(`no collection of ${object.kind} is known`);
    }
    const [api, plural] = collection;
    const place = namespace ? `namespaces/${namespace}/` : "";
    const path = `${api}/${place}${plural}?fieldValidation=Strict`;
    return await this.send("POST", path, object);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    for (const process of this.#processes.toReversed()) {
      process.kill("SIGTERM");
      await process.status;
    }
    await Deno.remove(this.folder, { recursive: true });
  }
}

export interface KubeObject {
  readonly kind: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

const PARLEY = "/apis/parley.dev/v1alpha1";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const COLLECTIONS: Readonly<Record<string, readonly [string, string]>> = {
  Namespace: ["/api/v1", "namespaces"],
  Pod: ["/api/v1", "pods"],
  Secret: ["/api/v1", "secrets"],
  ConfigMap: ["/api/v1", "configmaps"],
  Service: ["/api/v1", "services"],
  ServiceAccount: ["/api/v1", "serviceaccounts"],
  Deployment: ["/apis/apps/v1", "deployments"],
  PodDisruptionBudget: ["/apis/policy/v1", "poddisruptionbudgets"],
  NetworkPolicy: ["/apis/networking.k8s.io/v1", "networkpolicies"],
  Role: [RBAC, "roles"],
  RoleBinding: [RBAC, "rolebindings"],
  ClusterRole: [RBAC, "clusterroles"],
  ClusterRoleBinding: [RBAC, "clusterrolebindings"],
  CustomResourceDefinition: [
    "/apis/apiextensions.k8s.io/v1",
    "customresourcedefinitions",
  ],
  ParleyPolicy: [PARLEY, "parleypolicies"],
  ParleyClusterPolicy: [PARLEY, "parleyclusterpolicies"],
  Lease: ["/apis/coordination.k8s.io/v1", "leases"],
  CiliumNetworkPolicy: ["/apis/cilium.io/v2", "ciliumnetworkpolicies"],
  MutatingWebhookConfiguration: [
    ADMISSION,
    "mutatingwebhookconfigurations",
  ],
  ValidatingWebhookConfiguration: [
    ADMISSION,
    "validatingwebhookconfigurations",
  ],
};

function run(
  tool: Tool,
  log: string,
  args: readonly string[],
): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", 'exec "$0" "$@" 2>"$LOG"', tool.command, ...args],
    env: { ...tool.env, LOG: log },
    stdin: "null",
    stdout: "null",
  }).spawn();
}

/** A key that signs tokens of service accounts, as PEM. */
async function writeKey(path: string): Promise<void> {
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  ) as CryptoKeyPair;
  const der = await crypto.subtle.exportKey("pkcs8", privateKey);
  const key = createPrivateKey({
    key: new Uint8Array(der) as unknown as string,
    format: "der",
    type: "pkcs8",
  });
  const pem = String(key.export({ format: "pem", type: "sec1" }));
  await Deno.writeTextFile(path, pem);
}

async function readFile(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path) || undefined;
  } catch {
    return undefined;
  }
}

function lastLines(folder: string): string {
  try {
    const text = Deno.readTextFileSync(`${folder}/apiserver.log`);
    return text.trim().split("\n").slice(-3).join(" | ");
  } catch {
    return "it has said nothing";
  }
}
