/**
 * Keeps the webhook's certificate fresh and trusted: in rounds it looks at the
 * Secret that the replicas share and at the configurations that name them, and
 * mends what is not as it should be. Replicas do so independently; the API
 * server refuses the write of whoever was late.
 *
 * @module
 */
import { z } from "zod";
import type { KubeClient } from "../client/client.ts";
import { KubeError } from "../client/client.ts";
import {
  advance,
  bundleOf,
  type Credentials,
  readCredentials,
  type Terms,
  writeCredentials,
} from "./credentials.ts";

/** The Secret and both webhook configurations, as deploy/ names them. */
export const OBJECT_NAME = "parley-webhook";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const CONFIGURATIONS = [
  `${ADMISSION}/mutatingwebhookconfigurations/${OBJECT_NAME}`,
  `${ADMISSION}/validatingwebhookconfigurations/${OBJECT_NAME}`,
];

const SLOWEST_ROUND_MS = 4_000;
/** A certificate is looked at so many times in its life at least. */
const ROUNDS_OF_LIFE = 24;

const secret = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).nullish(),
});
const configuration = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  webhooks: z.array(z.looseObject({
    clientConfig: z.looseObject({ caBundle: z.string().nullish() }),
  })).nullish(),
});

export interface KeeperOptions extends Terms {
  readonly client: Pick<KubeClient, "get" | "patch" | "replace">;
  /** Where the Secret is. */
  readonly namespace: string;
  readonly log: {
    info(message: string): void;
    warn(message: string): void;
  };
}

/** What is to be served, once a round has come to its end. */
export class Keeper {
  readonly #options: KeeperOptions;
  #trustedSince: { readonly ca: string; readonly at: number } | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** The time between two rounds, in ms. */
  get interval(): number {
    return Math.min(SLOWEST_ROUND_MS, this.#options.life / ROUNDS_OF_LIFE);
  }

  /**
   * One round. What it answers is trusted by the API server.
   *
   * @throws {KubeError} and what `fetch` throws; the next round may do better
   */
  async round(): Promise<Credentials> {
    const credentials = await this.#credentials();
    const bundle = bundleOf(credentials);
    for (const path of CONFIGURATIONS) await this.#trust(path, bundle);
    const ca = credentials.next?.ca;
    if (ca === undefined) this.#trustedSince = undefined;
    else if (this.#trustedSince?.ca !== ca) {
      this.#trustedSince = { ca, at: Date.now() };
    }
    return credentials;
  }

  /** The credentials that are stored, or what follows on them. */
  async #credentials(): Promise<Credentials> {
    const { client, namespace, log } = this.#options;
    const path = `/api/v1/namespaces/${namespace}/secrets/${OBJECT_NAME}`;
    const stored = await client.get(path, secret);
    const before = readCredentials(stored.data ?? {});
    const after = await advance(before, this.#options, this.#isSettled(before));
    if (after === before) return before;
    await client.replace(path, { ...stored, data: writeCredentials(after) });
    log.info(
      after.next && after.next !== before?.next
        ? "a new certificate is stored; its authority is trusted first"
        : "a new certificate is served",
    );
    return after;
  }

  /** Whether the successor's authority has been trusted for two rounds. */
  #isSettled(credentials: Credentials | undefined): boolean {
    const since = this.#trustedSince;
    return since !== undefined && since.ca === credentials?.next?.ca &&
      Date.now() - since.at >= 2 * this.interval;
  }

  /** Has the API server trust these authorities, and no others. */
  async #trust(path: string, bundle: string): Promise<void> {
    const { client, log } = this.#options;
    const { metadata, webhooks } = await client.get(path, configuration);
    const caBundle = btoa(bundle);
    const wrong = (webhooks ?? []).flatMap(({ clientConfig }, index) =>
      clientConfig.caBundle === caBundle ? [] : [index]
    );
    if (wrong.length === 0) return;
    await client.patch(path, [
      {
        op: "test",
        path: "/metadata/resourceVersion",
        value: metadata.resourceVersion,
      },
      ...wrong.map((index) => ({
        op: "add" as const,
        path: `/webhooks/${index}/clientConfig/caBundle`,
        value: caBundle,
      })),
    ]);
    log.info(`the authority is written to ${path.slice(ADMISSION.length + 1)}`);
  }
}

/** Somebody else was quicker: nothing is wrong. */
export function isLate(error: unknown): boolean {
  return error instanceof KubeError &&
    (error.status === 409 || error.status === 422);
}
