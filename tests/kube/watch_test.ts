/** Controllers that lose sight of a real API server, and what their sidecars make of it. */
import { match as assertMatch } from "node:assert/strict";
import { readMetrics } from "../../cli/in_cluster.ts";
import { builtInCatalog } from "../../cli/built_in_catalog.ts";
import type { KubeClient } from "../../kube/client/client.ts";
import { publishedAuthority } from "../../kube/controller/authority.ts";
import { Cluster as Index } from "../../kube/controller/cluster/cluster.ts";
import { Controller } from "../../kube/controller/controller.ts";
import { Events } from "../../kube/controller/events.ts";
import { followCluster } from "../../kube/controller/follow_cluster.ts";
import { Reporter } from "../../kube/controller/reporter.ts";
import { SidecarServer } from "../../kube/controller/stream/server.ts";
import { reviewToken } from "../../kube/controller/token_review.ts";
import { Watched } from "../../kube/controller/watched.ts";
import {
  CONTROLLER_AUDIENCE as AUDIENCE,
  INJECTED,
  SIDECAR,
} from "../../kube/inject/names.ts";
import {
  createGeneration,
  type Generation,
} from "../../kube/webhook/certificate.ts";
import { createLog } from "../../kube/webhook/testing.ts";
import { Bench } from "../../proxy/identities/source_harness_test.ts";
import { poll } from "../e2e/wait.ts";
import { freePort } from "../free_port.ts";
import { etcd, kubeApiServer, kubectl, testWith } from "../setup/mod.ts";
import { adminClient, created, tokenFor } from "./asking.ts";
import { Cluster } from "./cluster.ts";
import { pod } from "./pods.ts";
import { NAMESPACE, policy } from "./policies.ts";
import { Relay } from "./relay.ts";
import { deployed } from "./webhook.ts";

const needs = {
  etcd: await etcd(),
  apiServer: await kubeApiServer(),
  kubectl: await kubectl(),
};

const SYSTEM = "parley-system";
/** Of pods, namespaces, services, slices, two kinds of policy, and definitions of four. */
const WATCHES = 10;

testWith(
  needs,
  "watches of a real API server that fail",
  async (tools, test) => {
    await using cluster = await Cluster.start(tools.etcd, tools.apiServer);
    const step = (name: string, fn: () => Promise<void>) => test.step(name, fn);
    for (const object of await deployed(tools.kubectl.command)) {
      // Nobody is there to ask.
      if (/WebhookConfiguration$/.test(object.kind)) continue;
      await created(cluster, object);
    }
    await created(cluster, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: NAMESPACE },
    });
    await created(cluster, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default", namespace: NAMESPACE },
    });
    const { metadata } = await created(cluster, {
      ...pod(NAMESPACE, {
        name: "guarded",
        generateName: undefined,
        annotations: { [INJECTED]: "{}" },
      }, { containers: [{ name: SIDECAR, image: "parley" }] }),
    });
    const token = await tokenFor(cluster, NAMESPACE, AUDIENCE, {
      name: "guarded",
      uid: metadata.uid,
    });
    await poll(
      async () =>
        (await cluster.create(policy("first"))).status === 201 || undefined,
      () => "policy that is taken",
    );
    using client = adminClient(cluster);
    await using relay = new Relay(cluster.server);
    using relayed = adminClient(cluster, relay.url);

    await step(
      "a sidecar that comes to a replica that lags keeps the policies that it has",
      async () => {
        const generation = await createGeneration(["127.0.0.1"], 3_600_000);
        await using ahead = await Replica.start(client);
        await using behind = await Replica.start(relayed);
        const port = freePort();
        const folder = await sidecarFolder(cluster, token, generation.ca);
        const first = await ahead.serve(client, generation, port);
        await using it = new Bench(folder, `https://127.0.0.1:${port}`);
        await it.start();

        relay.hold();
        await created(cluster, policy("second"));
        await untilPolicies(it, 2);
        await first[Symbol.asyncDispose]();
        await using _second = await behind.serve(client, generation, port);
        await it.becomes(
          /: stale, .*: its state of ParleyPolicy is older than what was told before$/,
        );
        await untilPolicies(it, 2);

        relay.release();
        await it.becomes(/: live, /);
        await untilPolicies(it, 2);
        await cluster.send(
          "DELETE",
          `/apis/parley.dev/v1alpha1/namespaces/${NAMESPACE}/parleypolicies/second`,
        );
        await untilPolicies(it, 1);
      },
    );

    await step(
      "a replica that has not heard of the cluster for long is not ready, says how long, and serves nobody",
      async () => {
        const log = createLog();
        let ahead = 0;
        await using controller = await Controller.start({
          client: relayed,
          namespace: SYSTEM,
          identity: "relayed",
          listen: { hostname: "127.0.0.1", port: 0 },
          hosts: ["127.0.0.1"],
          metrics: readMetrics("127.0.0.1:0"),
          podCidrs: [],
          catalog: builtInCatalog(),
          now: () => performance.now() + ahead,
          log,
        });
        const ask = async (path: string) => {
          const url = `http://127.0.0.1:${controller.metricsPort}${path}`;
          const response = await fetch(url);
          return { status: response.status, text: await response.text() };
        };
        const untilReady = (expected: number) =>
          poll(async () => {
            const { status } = await ask("/readyz");
            return status === expected || undefined;
          }, () => `readiness ${expected}: ${log.lines.join("\n")}`);
        await untilReady(200);
        const ca = await publishedAuthority(client, SYSTEM);
        const folder = await sidecarFolder(cluster, token, ca!);
        await using it = new Bench(
          folder,
          `https://127.0.0.1:${controller.port}`,
        );
        await it.start();
        await it.becomes(/: live, /);

        relay.cut();
        const failing = () =>
          log.lines.filter((line) => line.includes("cannot be watched"));
        await poll(
          () => failing().length >= WATCHES || undefined,
          () => `word of all watches: ${log.lines.join("\n")}`,
        );
        await untilReady(200); // it may be over soon
        ahead = 600_000;
        await untilReady(503);
        const { text } = await ask("/metrics");
        assertMatch(
          text,
          /^parley_controller_watch_age_seconds\{collection="pods"\} [6-9]\d\d/m,
        );
        await it.becomes(
          /: stale, .*: the controller answers 503: the API server says nothing of \w+, for [6-9]\d\d s$/,
        );
        await untilPolicies(it, 1);

        relay.mend();
        await untilReady(200);
        await it.becomes(/: live, /);
      },
    );
  },
);

/** A controller without its lease, whose questions of tokens go another way than its watches. */
class Replica implements AsyncDisposable {
  readonly index = new Index();
  readonly watched = new Watched();
  readonly #stop = new AbortController();
  readonly #log = createLog();
  readonly #reporter: Reporter;
  readonly #following: Promise<void>;

  private constructor(client: KubeClient) {
    const [cluster, log] = [this.index, this.#log];
    const events = new Events(client, log);
    const isLeader = () => false;
    const catalog = builtInCatalog();
    this.#reporter = new Reporter({
      ...{ cluster, client, events, catalog, isLeader, log },
    });
    const { watched } = this;
    this.#following = followCluster({
      ...{ client, cluster, watched, events, isLeader, log },
      reporter: this.#reporter,
      signal: this.#stop.signal,
    });
  }

  /** It knows the cluster then. */
  static async start(client: KubeClient): Promise<Replica> {
    const replica = new Replica(client);
    await poll(
      () => replica.index.isSynced || undefined,
      () => `replica that knows the cluster: ${replica.#log.lines.join("\n")}`,
    );
    return replica;
  }

  serve(
    reviewer: KubeClient,
    credentials: Generation,
    port: number,
  ): Promise<SidecarServer> {
    return SidecarServer.listen({
      cluster: this.index,
      watched: this.watched,
      authenticate: (token) => reviewToken(reviewer, token),
      credentials,
      hostname: "127.0.0.1",
      port,
      log: this.#log,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
    await this.#reporter.close();
  }
}

/** What a sidecar finds in its pod. */
async function sidecarFolder(
  cluster: Cluster,
  token: string,
  ca: string,
): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: cluster.folder });
  await Deno.writeTextFile(`${folder}/token`, token);
  await Deno.writeTextFile(`${folder}/ca.pem`, ca);
  return folder;
}

async function untilPolicies(it: Bench, count: number): Promise<void> {
  await poll(
    () => it.policies.length === count || undefined,
    () => `${count} policies; there are ${it.policies}, ${it.status}`,
  );
}
