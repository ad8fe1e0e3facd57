/**
 * What tests ask of a real API server, and of the commands beside it.
 *
 * @module
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { KubeClient } from "../../kube/client/client.ts";
import type { Cluster, KubeObject } from "./cluster.ts";

/** Creates an object; what the server made of it. */
export async function created(
  cluster: Cluster,
  object: KubeObject,
  // deno-lint-ignore no-explicit-any -- as the server has it
): Promise<any> {
  const { status, body } = await cluster.create(object);
  assertEquals([object.kind, status, body.message], [
    object.kind,
    201,
    undefined,
  ]);
  return body;
}

/** A client that may do everything. */
export function adminClient(
  cluster: Cluster,
  server = cluster.server,
): KubeClient {
  return new KubeClient({
    server,
    ca: Deno.readTextFileSync(cluster.caFile),
    token: () => Promise.resolve("admin-token"),
  });
}

/** A token of a namespace's default account, bound to a pod if one is named. */
export async function tokenFor(
  cluster: Cluster,
  namespace: string,
  audience: string,
  pod?: { readonly name: string; readonly uid: string },
): Promise<string> {
  const boundObjectRef = { apiVersion: "v1", kind: "Pod", ...pod };
  const { body } = await cluster.send(
    "POST",
    `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`,
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: [audience], ...(pod ? { boundObjectRef } : {}) },
    },
  );
  return body.status.token;
}
