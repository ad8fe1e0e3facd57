/** What the controller does in a real API server. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { etcd, kubeApiServer, kubectl, testWith } from "../setup/mod.ts";
import { Cluster, freePort, type KubeObject } from "./cluster.ts";
import { pod } from "./pods.ts";
import { KubeProcess } from "./process.ts";
import { deployed, onLoopback, startWebhook } from "./webhook.ts";

const needs = {
  etcd: await etcd(),
  apiServer: await kubeApiServer(),
  kubectl: await kubectl(),
};

const SPEC = {
  endpointSelector: { matchLabels: { app: "memcached" } },
  ingress: [{
    toPorts: [{
      ports: [{ port: "11211", protocol: "TCP" }],
      rules: { l7proto: "memcache", l7: [{ command: "get" }] },
    }],
  }],
};
const NAMESPACE = "fleet";
const POLICIES =
  `/apis/parley.dev/v1alpha1/namespaces/${NAMESPACE}/parleypolicies`;

function policy(name: string, spec: object = SPEC): KubeObject {
  return {
    apiVersion: "parley.dev/v1alpha1",
    kind: "ParleyPolicy",
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
}

testWith(needs, "the controller in a real API server", async (tools, test) => {
  await using cluster = await Cluster.start(tools.etcd, tools.apiServer);
  const port = freePort();
  const step = (name: string, fn: () => Promise<void>) => test.step(name, fn);
  for (const object of await deployed(tools.kubectl.command)) {
    await created(cluster, onLoopback(object, port));
  }
  await created(cluster, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: NAMESPACE, labels: { "parley.dev/inject": "enabled" } },
  });
  await created(cluster, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "default", namespace: NAMESPACE },
  });
  // deno-lint-ignore no-explicit-any -- as the server has it
  const statusOf = async (name: string): Promise<any> => {
    const { body } = await cluster.send("GET", `${POLICIES}/${name}`);
    return body.status;
  };
  const until = <T>(
    what: string,
    ask: () => Promise<T | undefined>,
  ) => poll(ask, () => what);
  const untilStatus = (
    name: string,
    // deno-lint-ignore no-explicit-any -- as the server has it
    test: (status: any) => boolean,
  ) =>
    until(`such status of ${name}`, async () => {
      const status = await statusOf(name);
      return status && test(status) ? status : undefined;
    });
  const eventsOf = async (name: string, reason: string) => {
    const path = `/api/v1/namespaces/${NAMESPACE}/events`;
    const { body } = await cluster.send("GET", path);
    return (body.items as {
      involvedObject: { name: string };
      reason: string;
      message: string;
    }[]).filter((event) =>
      event.involvedObject.name === name && event.reason === reason
    ).map(({ message }) => message);
  };
  const untilEvent = (name: string, reason: string) =>
    until(
      `event ${reason} of ${name}`,
      async () => (await eventsOf(name, reason))[0],
    );

  // Before there is a webhook: this one slips by.
  const slipped = await cluster.send(
    "POST",
    `/api/v1/namespaces/${NAMESPACE}/pods`,
    pod(NAMESPACE, {
      name: "slipped",
      labels: { app: "memcached", "parley.dev/inject": "disabled" },
      annotations: {},
    }),
  );
  assertEquals(slipped.status, 201);

  await using _webhook = await startWebhook(cluster, port, "1h");
  const start = () =>
    KubeProcess.start(cluster, "controller", [
      ...["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"],
    ], "controller at ");
  await using first = await start();
  await using second = await start();
  setTimeout(() => { console.log(first.said.all().join("\n")); console.log(second.said.all().join("\n")); }, 12000);

  await step(
    "a policy's status says that it loads, and which pods it selects",
    async () => {
      await created(cluster, policy("good"));
      const began = performance.now();
      const status = await untilStatus(
        "good",
        ({ conditions }) =>
          conditions?.some((
            { type, status }: { type: string; status: string },
          ) => type === "Accepted" && status === "True"),
      );
      print(`status after ${Math.round(performance.now() - began)} ms`);
      assertEquals([status.observedGeneration, status.pods], [1, 0]);
    },
  );
});

async function created(
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

function print(text: string): void {
  console.log(`    ${text}`);
}
