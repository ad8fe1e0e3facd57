/**
 * The webhook as a whole: a server that answers, and rounds that keep its
 * certificate.
 *
 * @module
 */
import { z } from "zod";
import type { KubeClient } from "../client/client.ts";
import { pause } from "../client/pause.ts";
import type { SidecarKind } from "../inject/inject.ts";
import type { Credentials, Terms } from "./credentials.ts";
import { isLate, Keeper } from "./keeper.ts";
import { answerReview, SYSTEM_NAMESPACES } from "./review.ts";
import { type ServerOptions, WebhookServer } from "./server.ts";

export interface WebhookOptions extends Terms {
  readonly client: KubeClient;
  readonly hostname: string;
  readonly port: number;
  /** The webhook's own. */
  readonly namespace: string;
  /** The sidecar's. */
  readonly image: string;
  readonly log: ServerOptions["log"];
}

/** From this minor version of Kubernetes 1 on sidecars are native. */
const NATIVE_SINCE = 29;
/** After this many rounds in vain the webhook is no longer ready. */
const ROUNDS_IN_VAIN = 15;

/** Serves until it is disposed of. */
export class Webhook implements AsyncDisposable {
  readonly #server: WebhookServer;
  readonly #stop: AbortController;
  readonly #rounds: Promise<void>;

  private constructor(
    server: WebhookServer,
    stop: AbortController,
    rounds: Promise<void>,
  ) {
    this.#server = server;
    this.#stop = stop;
    this.#rounds = rounds;
  }

  /**
   * Listens as soon as there is a certificate that the API server trusts.
   *
   * @throws when the API server refuses it that, or the address is taken
   */
  static async start(options: WebhookOptions): Promise<Webhook> {
    const { client, log } = options;
    const sidecar = await sidecarKind(client);
    log.info(`pods get ${SIDECARS[sidecar]}`);
    const keeper = new Keeper(options);
    const first = await firstRound(keeper);
    const state = { failures: 0 };
    const review = {
      image: options.image,
      sidecar,
      systemNamespaces: [...SYSTEM_NAMESPACES, options.namespace],
    };
    const server = await WebhookServer.listen({
      hostname: options.hostname,
      port: options.port,
      certificate: first.current,
      answer: (value) => answerReview(value, review),
      isReady: () => state.failures < ROUNDS_IN_VAIN,
      log,
    });
    const stop = new AbortController();
    const rounds = goOn(keeper, first, server, state, log, stop.signal);
    return new Webhook(server, stop, rounds);
  }

  get port(): number {
    return this.#server.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#rounds;
    await this.#server[Symbol.asyncDispose]();
  }
}

const SIDECARS = {
  native: "native sidecars",
  container: "sidecars beside their containers, as before Kubernetes 1.29",
};

async function sidecarKind(client: KubeClient): Promise<SidecarKind> {
  const version = z.looseObject({ major: z.string(), minor: z.string() });
  const { major, minor } = await client.get("/version", version);
  const isNative = Number(major) > 1 || Number.parseInt(minor) >= NATIVE_SINCE;
  return isNative ? "native" : "container";
}

/** Replicas that start together write together: whoever is late looks again. */
async function firstRound(keeper: Keeper): Promise<Credentials> {
  for (let tries = 1;; tries++) {
    try {
      return await keeper.round();
    } catch (error) {
      if (!isLate(error) || tries === FIRST_TRIES) throw error;
    }
  }
}

const FIRST_TRIES = 10;

async function goOn(
  keeper: Keeper,
  first: Credentials,
  server: WebhookServer,
  state: { failures: number },
  log: WebhookOptions["log"],
  signal: AbortSignal,
): Promise<void> {
  let served = first.current.cert;
  while (await pause(keeper.interval, signal)) {
    try {
      const { current } = await keeper.round();
      if (current.cert !== served) server.use(current);
      served = current.cert;
      state.failures = 0;
    } catch (error) {
      if (isLate(error)) continue;
      state.failures++;
      const text = (error as Error).message;
      if (state.failures === 1) {
        log.warn(`the certificate cannot be kept: ${text}`);
      }
    }
  }
}
