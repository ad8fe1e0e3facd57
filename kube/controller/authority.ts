/**
 * The authority that sidecars trust the controller by. It is made once, and is
 * good for ten years: pods are told of it at their creation, and live on.
 *
 * @module
 */
import { z } from "zod";
import { type KubeClient, KubeError } from "../client/client.ts";
import { type Authority, createAuthority } from "../webhook/certificate.ts";

/** The Secret with the authority, and the Lease, as deploy/ names them. */
export const CONTROLLER_NAME = "parley-controller";
/** The ConfigMap with its certificate, which the webhook reads. */
const CA_NAME = "parley-controller-ca";
const CA_KEY = "ca.crt";

const YEAR_MS = 365 * 24 * 3_600_000;
const LIFE_MS = 10 * YEAR_MS;
const TRIES = 5;

const objectSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).nullish(),
});

/** The authority of all replicas; the first of them makes it. @throws {KubeError} */
export async function sharedAuthority(
  client: Pick<KubeClient, "get" | "replace">,
  namespace: string,
): Promise<Authority> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${CONTROLLER_NAME}`;
  for (let tries = 1;; tries++) {
    const secret = await client.get(path, objectSchema);
    const { [CA_KEY]: ca, "ca.key": key } = secret.data ?? {};
    if (ca !== undefined && key !== undefined) {
      return { ca: atob(ca), key: atob(key) };
    }
    const made = await createAuthority(CONTROLLER_NAME, LIFE_MS);
    const data = { [CA_KEY]: btoa(made.ca), "ca.key": btoa(made.key) };
    try {
      await client.replace(path, { ...secret, data });
      return made;
    } catch (error) {
      const isLate = error instanceof KubeError && error.status === 409;
      if (!isLate || tries === TRIES) throw error;
    }
  }
}

/** Tells the webhook, and whoever looks, of the authority. @throws {KubeError} */
export async function publishAuthority(
  client: Pick<KubeClient, "merge">,
  namespace: string,
  { ca }: Pick<Authority, "ca">,
): Promise<void> {
  await client.merge(configMapPath(namespace), { data: { [CA_KEY]: ca } });
}

/** What was published; nothing before the first controller has run. @throws {KubeError} */
export async function publishedAuthority(
  client: Pick<KubeClient, "get">,
  namespace: string,
): Promise<string | undefined> {
  const { data } = await client.get(configMapPath(namespace), objectSchema);
  return data?.[CA_KEY];
}

function configMapPath(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${CA_NAME}`;
}
