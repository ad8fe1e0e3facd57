/**
 * The controller as a whole: it follows the cluster, tells each sidecar what it
 * needs, and people what becomes of their policies.
 *
 * @module
 */
import type { L7Catalog } from "../../policy/mod.ts";
import type { KubeClient } from "../client/client.ts";
import { Lease } from "../client/lease.ts";
import { pause } from "../../proxy/pause.ts";
import { type MetricsOptions, serveMetrics } from "../metrics.ts";
import { type Authority, certify } from "../webhook/certificate.ts";
import {
  CONTROLLER_NAME,
  publishAuthority,
  sharedAuthority,
} from "./authority.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Events } from "./events.ts";
import { families } from "./families.ts";
import { followCluster } from "./follow_cluster.ts";
import { Reporter } from "./reporter.ts";
import { SidecarServer } from "./stream/server.ts";
import { reviewToken } from "./token_review.ts";
import { Watched } from "./watched.ts";

/** Where something listens. */
interface Address {
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface ControllerOptions {
  readonly client: KubeClient;
  /** The controller's own. */
  readonly namespace: string;
  /** This replica, among all that ever were. */
  readonly identity: string;
  /** For sidecars. */
  readonly listen: Address;
  /** Names and addresses that sidecars call. */
  readonly hosts: readonly string[];
  readonly metrics: MetricsOptions;
  /** Prefixes of all pods, where they are known. */
  readonly podCidrs: readonly string[];
  /** Milliseconds of a clock that goes on evenly; the default is the process's. */
  readonly now?: () => number;
  readonly catalog: L7Catalog;
  readonly log: {
    info(message: string): void;
    warn(message: string): void;
    error(message: string): void;
  };
}

/** How long a certificate is good for; another one is made when a third of that is left. */
const CERTIFICATE_MS = 30 * 24 * 3_600_000;
const RENEWAL_MS = CERTIFICATE_MS * 2 / 3;
/** How often the authority is published, should somebody have overwritten it. */
const PUBLISH_MS = 60_000;

/** Runs until it is disposed of. */
export class Controller implements AsyncDisposable {
  readonly #options: ControllerOptions;
  readonly #stop = new AbortController();
  readonly #cluster: Cluster;
  readonly #watched: Watched;
  readonly #reporter: Reporter;
  readonly #events: Events;
  readonly #lease: Lease;
  #sidecars: SidecarServer | undefined;
  #metrics: Deno.HttpServer<Deno.NetAddr> | undefined;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(options: ControllerOptions) {
    const { client, namespace, identity, catalog, log } = options;
    this.#options = options;
    this.#cluster = new Cluster({ podCidrs: options.podCidrs });
    this.#watched = new Watched(options.now);
    this.#events = new Events(client, log);
    this.#lease = new Lease({
      client,
      namespace,
      name: CONTROLLER_NAME,
      identity,
      log,
      signal: this.#stop.signal,
      changed: () => this.#reporter.tellAll(),
    });
    this.#reporter = new Reporter({
      cluster: this.#cluster,
      client,
      events: this.#events,
      catalog,
      isLeader: () => this.#lease.isHeld,
      log,
    });
  }

  /** @throws when the API server refuses what it needs, or an address is taken */
  static async start(options: ControllerOptions): Promise<Controller> {
    const controller = new Controller(options);
    try {
      await controller.#start();
      return controller;
    } catch (error) {
      await controller[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where sidecars call. */
  get port(): number {
    return this.#sidecars!.port;
  }

  get metricsPort(): number {
    return this.#metrics!.addr.port;
  }

  async #start(): Promise<void> {
    const { client, namespace, hosts, listen, metrics, log } = this.#options;
    const authority = await sharedAuthority(client, namespace);
    this.#sidecars = await SidecarServer.listen({
      cluster: this.#cluster,
      watched: this.#watched,
      authenticate: (token) => reviewToken(client, token),
      credentials: await certify(authority, hosts, CERTIFICATE_MS),
      ...listen,
      log,
    });
    this.#metrics = serveMetrics(metrics, {
      isReady: () =>
        this.#cluster.isSynced && this.#watched.stale === undefined,
      families: () =>
        families({
          isLeader: this.#lease.isHeld,
          isSynced: this.#cluster.isSynced,
          ages: this.#watched.ages,
          report: this.#reporter.counts,
          streams: this.#sidecars?.counts,
        }),
    });
    await publishAuthority(client, namespace, authority);
    this.#running = Promise.all([
      this.#lease.keep(),
      this.#renew(authority),
      this.#publish(authority),
      followCluster({
        client,
        cluster: this.#cluster,
        watched: this.#watched,
        reporter: this.#reporter,
        events: this.#events,
        isLeader: () => this.#lease.isHeld,
        log,
        signal: this.#stop.signal,
      }),
    ]);
  }

  async #renew(authority: Authority): Promise<void> {
    while (await pause(RENEWAL_MS, this.#stop.signal)) {
      const { hosts } = this.#options;
      this.#sidecars!.use(await certify(authority, hosts, CERTIFICATE_MS));
    }
  }

  async #publish(authority: Authority): Promise<void> {
    const { client, namespace, log } = this.#options;
    let isTold = false;
    while (await pause(PUBLISH_MS, this.#stop.signal)) {
      try {
        await publishAuthority(client, namespace, authority);
        isTold = false;
      } catch (error) {
        if (!isTold) {
          log.warn(
            `the authority cannot be published: ${(error as Error).message}`,
          );
        }
        isTold = true;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#reporter.close();
    await this.#running;
    await this.#sidecars?.[Symbol.asyncDispose]();
    await this.#metrics?.shutdown();
  }
}
