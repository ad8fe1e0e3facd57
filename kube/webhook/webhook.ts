/**
 * The webhook as a whole: a server that answers, and rounds that keep its
 * certificate.
 *
 * @module
 */
import { z } from "zod";
import type { L7Catalog } from "../../policy/mod.ts";
import type { KubeClient } from "../client/client.ts";
import { pause } from "../../proxy/pause.ts";
import { publishedAuthority } from "../controller/authority.ts";
import type { SidecarKind } from "../inject/inject.ts";
import { type MetricsOptions, serveMetrics } from "../metrics.ts";
import { endOf } from "./certificate.ts";
import { ReviewCounts } from "./counts.ts";
import type { Credentials, Terms } from "./credentials.ts";
import { isLate, Keeper } from "./keeper.ts";
import { PolicyPorts } from "./policy_ports.ts";
import { answerReview, answerTooEarly, SYSTEM_NAMESPACES } from "./review.ts";
import { type ServerOptions, WebhookServer } from "./server.ts";
import { answerPolicyReview } from "./validate.ts";

export interface WebhookOptions extends Terms {
  readonly client: KubeClient;
  readonly hostname: string;
  readonly port: number;
  /** The webhook's own. */
  readonly namespace: string;
  /** The sidecar's. */
  readonly image: string;
  /** What L7 rules are good. */
  readonly catalog: L7Catalog;
  readonly metrics: MetricsOptions;
  /** Where sidecars find the controller; absent: they follow none. */
  readonly controller?: string;
  readonly log: ServerOptions["log"];
}

/** From this minor version of Kubernetes 1 on sidecars are native. */
const NATIVE_SINCE = 29;
/** After this many rounds in vain the webhook is no longer ready. */
const ROUNDS_IN_VAIN = 15;

/** Serves until it is disposed of. */
export class Webhook implements AsyncDisposable {
  readonly #server: WebhookServer;
  readonly #metrics: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop: AbortController;
  readonly #running: Promise<unknown>;

  private constructor(
    server: WebhookServer,
    metrics: Deno.HttpServer<Deno.NetAddr>,
    stop: AbortController,
    running: Promise<unknown>,
  ) {
    this.#server = server;
    this.#metrics = metrics;
    this.#stop = stop;
    this.#running = running;
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
    const state: State = { failures: 0, served: first.current.cert };
    const ports = new PolicyPorts();
    const counts = new ReviewCounts();
    const { controller: url } = options;
    const review = {
      image: options.image,
      sidecar,
      systemNamespaces: [...SYSTEM_NAMESPACES, options.namespace],
      portsOf: (pod: unknown, namespace: string) => ports.of(pod, namespace),
    };
    const answerPod = (value: unknown) => {
      if (url === undefined) return answerReview(value, review);
      const { ca } = state;
      if (ca === undefined) return answerTooEarly(value);
      return answerReview(value, { ...review, controller: { url, ca } });
    };
    const isReady = () =>
      state.failures < ROUNDS_IN_VAIN && ports.isSynced &&
      (url === undefined || state.ca !== undefined);
    const server = await WebhookServer.listen({
      hostname: options.hostname,
      port: options.port,
      certificate: first.current,
      answers: {
        "/inject": answerPod,
        "/validate": (value) => answerPolicyReview(value, options.catalog),
      },
      answered: (path, outcome, seconds) => counts.add(path, outcome, seconds),
      isReady,
      log,
    });
    const metrics = serveMetrics(options.metrics, {
      isReady,
      families: () => counts.families(endOf(state.served)),
    });
    const stop = new AbortController();
    const { signal } = stop;
    const running = Promise.all([
      goOn(keeper, server, state, log, signal),
      ...url === undefined ? [] : [learnAuthority(options, state, signal)],
      ports.follow({ client, log, signal }),
    ]);
    return new Webhook(server, metrics, stop, running);
  }

  get port(): number {
    return this.#server.port;
  }

  get metricsPort(): number {
    return this.#metrics.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#server[Symbol.asyncDispose]();
    await this.#metrics.shutdown();
  }
}

interface State {
  /** Rounds that failed in a row. */
  failures: number;
  /** The certificate that is served, PEM. */
  served: string;
  /** The authority that pods are to know the controller by, once it is known. */
  ca?: string;
}

/** What the controller has published, and what it may publish later. */
async function learnAuthority(
  { client, namespace, log }: WebhookOptions,
  state: State,
  signal: AbortSignal,
): Promise<void> {
  let isTold = false;
  do {
    try {
      const ca = await publishedAuthority(client, namespace);
      if (ca !== undefined) state.ca = ca;
      isTold = false;
    } catch (error) {
      const text = (error as Error).message;
      if (!isTold) log.warn(`the controller's authority is not known: ${text}`);
      isTold = true;
    }
  } while (
    await pause(state.ca === undefined ? ASK_SOON_MS : ASK_MS, signal)
  );
}

const ASK_SOON_MS = 1_000;
const ASK_MS = 60_000;

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
  server: WebhookServer,
  state: State,
  log: WebhookOptions["log"],
  signal: AbortSignal,
): Promise<void> {
  while (await pause(keeper.interval, signal)) {
    try {
      const { current } = await keeper.round();
      if (current.cert !== state.served) server.use(current);
      state.served = current.cert;
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
