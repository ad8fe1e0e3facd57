/**
 * How the API server is reached, and as whom: by the service account of a pod,
 * or by a kubeconfig file (kubeconfig.ts).
 *
 * @module
 */
export interface Access {
  /** Without a slash at its end. */
  readonly server: string;
  /** PEM of the authority that signed the server's certificate; absent: those that the system trusts. */
  readonly ca?: string;
  /** Read for each request: the kubelet replaces a pod's token before it expires. */
  readonly token?: () => Promise<string>;
  /** A client certificate, PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
}

/** What keeps the API server from being reached; the message says how to mend it. */
export class AccessError extends Error {
  override readonly name = "AccessError";
}

/** Where the kubelet puts a pod's own credentials. */
export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Files that are read. */
export type ReadFile = (path: string) => Promise<string>;

/**
 * As the pod's service account.
 *
 * @throws {AccessError} outside of a pod
 */
export async function inCluster(
  env: (name: string) => string | undefined,
  readFile: ReadFile,
): Promise<Access> {
  const host = env("KUBERNETES_SERVICE_HOST");
  const port = env("KUBERNETES_SERVICE_PORT");
  if (!host || !port) {
    throw new AccessError(
      "this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set): name a file with --kubeconfig",
    );
  }
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    server: `https://${name}:${port}`,
    ca: await readFile(`${SERVICE_ACCOUNT}/ca.crt`),
    token: () => tokenIn(`${SERVICE_ACCOUNT}/token`, readFile),
  };
}

/** A token that others replace. */
export async function tokenIn(
  path: string,
  readFile: ReadFile,
): Promise<string> {
  return (await readFile(path)).trim();
}
