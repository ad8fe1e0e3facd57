/**
 * Whose token a sidecar shows: asked of the API server, since it alone knows
 * whether the pod that a token is bound to is still there.
 *
 * @module
 */
import { z } from "zod";
import type { KubeClient } from "../client/client.ts";
import { CONTROLLER_AUDIENCE as AUDIENCE } from "../inject/names.ts";
import type { Authentication } from "./stream/server.ts";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";
const POD_NAME = "authentication.kubernetes.io/pod-name";
const POD_UID = "authentication.kubernetes.io/pod-uid";
/** What those of service accounts are called begins so. */
const ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/;
/** No token of a service account is longer. */
const TOKEN_MAX = 16_384;

const answer = z.looseObject({
  status: z.looseObject({
    authenticated: z.boolean().optional(),
    audiences: z.array(z.string()).nullish(),
    user: z.looseObject({
      username: z.string().optional(),
      extra: z.record(z.string(), z.array(z.string())).nullish(),
    }).optional(),
  }),
});

/** @throws when the API server cannot be asked */
export async function reviewToken(
  client: Pick<KubeClient, "create">,
  token: string,
): Promise<Authentication> {
  if (token === "" || token.length > TOKEN_MAX) {
    return { refused: "no token of a service account" };
  }
  const { status } = answer.parse(
    await client.create(PATH, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [AUDIENCE] },
    }),
  );
  if (status.authenticated !== true) {
    return { refused: "the API server does not know the token" };
  }
  // An API server that knows no audiences would say yes to every token.
  if (!status.audiences?.includes(AUDIENCE)) {
    return { refused: "the token is for another audience" };
  }
  const { username = "", extra } = status.user ?? {};
  const [, namespace] = ACCOUNT.exec(username) ?? [];
  const [pod] = extra?.[POD_NAME] ?? [];
  const [uid] = extra?.[POD_UID] ?? [];
  if (!namespace || !pod || !uid) {
    return { refused: "the token is bound to no pod" };
  }
  return { namespace, pod, uid };
}
