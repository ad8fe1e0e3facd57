/** What the controller, and the webhook's part in policies, do in a real API server. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { builtInCatalog } from "../../cli/built_in_catalog.ts";
import { reviewToken } from "../../kube/controller/token_review.ts";
import { CONTROLLER_AUDIENCE as AUDIENCE } from "../../kube/inject/names.ts";
import { STREAM_PATH } from "../../proxy/identities/protocol.ts";
import { createPolicyStore } from "../../policy/mod.ts";
import { problemText } from "../../policy/problem.ts";
import { poll } from "../e2e/wait.ts";
import { freePort } from "../free_port.ts";
import { etcd, kubeApiServer, kubectl, testWith } from "../setup/mod.ts";
import { adminClient, created, tokenFor } from "./asking.ts";
import { Cluster, type KubeObject } from "./cluster.ts";
import { pod } from "./pods.ts";
import {
  ciliumDefinition,
  ciliumPolicy,
  NAMESPACE,
  policy,
  sharedPolicies,
  SPEC,
} from "./policies.ts";
import { KubeProcess } from "./process.ts";
import { deployed, onLoopback, startWebhook } from "./webhook.ts";

const needs = {
  etcd: await etcd(),
  apiServer: await kubeApiServer(),
  kubectl: await kubectl(),
};

const PARLEY = "/apis/parley.dev/v1alpha1";
const IN_NAMESPACE = `/api/v1/namespaces/${NAMESPACE}`;

/** A pod of the guarded namespace that names no ports itself, unless it is told to. */
function guarded(
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  return pod(NAMESPACE, { name, annotations, generateName: undefined });
}

interface Status {
  readonly observedGeneration: number;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly message: string;
  }[];
  readonly pods: number;
  readonly mustRestart: number;
  readonly mustRestartNames: readonly string[];
  readonly partly: readonly string[];
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
    metadata: { name: NAMESPACE },
  });
  await created(cluster, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "default", namespace: NAMESPACE },
  });
  // Created before its namespace asks for sidecars, so that it slips by.
  await created(cluster, guarded("slipped"));
  await cluster.send("PATCH", `/api/v1/namespaces/${NAMESPACE}`, [{
    op: "add",
    path: "/metadata/labels/parley.dev~1inject",
    value: "enabled",
  }]);

  const startController = () =>
    KubeProcess.start(cluster, "controller", [
      ...["--listen", "127.0.0.1:0", "--host", "127.0.0.1"],
      ...["--metrics", "127.0.0.1:0"],
    ], "controller at ");
  const first = await startController();
  await using _first = first;
  await using webhook = await startWebhook(cluster, port, "1h", [
    ...["--controller", "https://127.0.0.1:8444"],
  ]);
  await first.said.until((line) => line.includes(" leads"), "leader");
  await using second = await startController();

  const untilStatus = (name: string, test: (status: Status) => boolean) =>
    poll(async () => {
      const { body } = await cluster.send(
        "GET",
        `${PARLEY}/namespaces/${NAMESPACE}/parleypolicies/${name}`,
      );
      const { status } = body as { status?: Status };
      return status && test(status) ? status : undefined;
    }, () => `such a status of ${name}`);
  const untilEvent = (name: string, reason: string) =>
    poll(async () => {
      const { body } = await cluster.send("GET", `${IN_NAMESPACE}/events`);
      return (body.items as {
        involvedObject: { name: string };
        reason: string;
        message: string;
      }[]).find(({ involvedObject, ...event }) =>
        involvedObject.name === name && event.reason === reason
      )?.message;
    }, () => `event ${reason} of ${name}`);
  const untilMetric = (of: KubeProcess, line: RegExp) =>
    poll(async () => {
      const text = await of.metrics();
      return line.test(text) ? text : undefined;
    }, () => `metric ${line}`);

  await step("the overlays add what they say to the base", async () => {
    const kindsOf = async (folder: string) => {
      const objects = await deployed(tools.kubectl.command, folder);
      return objects.map(({ kind, metadata }) => `${kind} ${metadata!.name}`);
    };
    const base = await kindsOf("base");
    assertEquals((await kindsOf("overlays/cilium")).sort(), base.toSorted());
    assertEquals(
      (await kindsOf("overlays/prometheus"))
        .filter((name) => !base.includes(name)).sort(),
      ["PodMonitor parley", "PrometheusRule parley-controller"],
    );
  });

  await step(
    "pods are let in once the webhook knows the controller's authority",
    async () => {
      await poll(async () => {
        const { status } = await cluster.create(
          guarded("first", { "parley.dev/ports": "80" }),
        );
        return status === 201 || undefined;
      }, () => "pod that is let in");
    },
  );

  await step("a pod that no policy selects is left as it is", async () => {
    const { metadata } = await created(cluster, guarded("unselected"));
    assertEquals(metadata.annotations?.["parley.dev/injected"], undefined);
  });

  await step(
    "a policy's status says that it loads, and how many pods it selects",
    async () => {
      await created(cluster, policy("good"));
      const start = performance.now();
      // The first one may be written before the pod is seen.
      const status = await untilStatus(
        "good",
        (status) => accepted("True")(status) && status.pods > 0,
      );
      print(`a status after ${Math.round(performance.now() - start)} ms`);
      assertEquals([status.observedGeneration, status.pods], [1, 1]);
    },
  );

  await step(
    "a pod's ports come from the policies that select it",
    async () => {
      const { metadata, spec } = await poll(async () => {
        const { body } = await cluster.create(
          {
            ...guarded("x"),
            metadata: {
              ...guarded("x").metadata,
              name: `by-policy-${crypto.randomUUID().slice(0, 8)}`,
            },
          },
        );
        return body.metadata?.annotations?.["parley.dev/injected"]
          ? body
          : undefined;
      }, () => "pod that the policy has injected");
      const { args } = spec.initContainers[0];
      assertEquals(args.slice(0, 2), ["--ports", "all"]);
      assertMatch(
        metadata.annotations["parley.dev/config"],
        /https:\/\/127\.0\.0\.1:8444/,
      );
      assertMatch(
        metadata.annotations["parley.dev/controller-ca"],
        /BEGIN CERTIFICATE/,
      );
      await untilStatus("good", ({ pods }) => pods >= 2);
    },
  );

  await step(
    "a pod that does not redirect what a policy names must restart, and everybody is told",
    async () => {
      const status = await untilStatus(
        "good",
        ({ mustRestartNames }) =>
          mustRestartNames.some((text) => text.includes("/first ")),
      );
      assertMatch(
        status.mustRestartNames.find((text) => text.includes("/first "))!,
        /^pod fleet\/first must restart: connections that come in at port 11211 pass by its sidecar/,
      );
      assertMatch(await untilEvent("first", "MustRestart"), /port 11211/);
      assertMatch(await untilEvent("good", "MustRestart"), /must restart/);
      await untilMetric(first, /^parley_controller_pods_must_restart [1-9]/m);
    },
  );

  await step("a pod that slipped by is told of", async () => {
    assertMatch(await untilEvent("slipped", "NotInjected"), /no sidecar/);
    await untilMetric(first, /^parley_controller_pods_not_injected [1-9]/m);
    await cluster.send(
      "DELETE",
      `${IN_NAMESPACE}/pods/slipped?gracePeriodSeconds=0`,
    );
    await cluster.send(
      "DELETE",
      `${IN_NAMESPACE}/pods/unselected?gracePeriodSeconds=0`,
    );
    await untilMetric(first, /^parley_controller_pods_not_injected 0$/m);
  });

  await step("what a sidecar cannot enforce is in the status", async () => {
    await created(
      cluster,
      policy("partly", {
        ...SPEC,
        egress: [{ toPorts: [{ ports: [{ port: "53", protocol: "UDP" }] }] }],
      }),
    );
    const { partly } = await untilStatus(
      "partly",
      ({ partly }) => partly.length > 0,
    );
    assertMatch(partly.join(), /UDP does not come through a sidecar/);
  });

  await step(
    "a policy that does not load is refused, in the words of parley check",
    async () => {
      const bad = policy("bad", {
        endpointSelector: {},
        ingress: [{ fromEntities: ["moon"] }],
        ingres: [],
      });
      const words = createPolicyStore(builtInCatalog())
        .update([{ file: "", text: JSON.stringify(bad) }]).problems
        .filter(({ severity }) => severity === "error").map(problemText);
      const { status, body } = await cluster.send(
        "POST",
        `${PARLEY}/namespaces/${NAMESPACE}/parleypolicies`,
        bad,
      );
      assertEquals(status, 422);
      const said = "Parley cannot load this policy: ";
      const [before, after] = body.message.split(said);
      assertEquals(
        before,
        'admission webhook "policies.parley.dev" denied the request: ',
      );
      // The server has its keys in an order of its own.
      assertEquals(
        after.split("; ").sort(),
        words.join("; ").split("; ").sort(),
      );
    },
  );

  await step(
    "every document of upstream is taken or refused as parley check says",
    async () => {
      let taken = 0, refused = 0;
      for await (const { file, object } of sharedPolicies()) {
        const problems = createPolicyStore(builtInCatalog())
          .update([{ file: "", text: JSON.stringify(object) }]).problems
          .filter(({ severity }) => severity === "error");
        const { status, body } = await cluster.create(object);
        assertEquals([file, status === 201], [file, problems.length === 0]);
        if (status === 201) taken++;
        else {
          refused++;
          for (const problem of problems) {
            assert(body.message.includes(problemText(problem)), body.message);
          }
        }
      }
      print(`${taken} documents taken, ${refused} refused`);
    },
  );

  await step(
    "a policy that could be stored without a webhook says in its status what is wrong",
    async () => {
      const path =
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/parley-webhook";
      const { body } = await cluster.send("GET", path);
      await cluster.send("DELETE", path);
      const bad = policy("stored", {
        ...SPEC,
        ingress: [{ fromEntities: ["moon"] }],
      });
      await poll(
        async () => (await cluster.create(bad)).status === 201 || undefined,
        () => "policy that is stored",
      );
      const { conditions } = await untilStatus("stored", accepted("False"));
      assertMatch(
        conditions.find(({ type }) => type === "Accepted")!.message,
        /"moon" is not .*\[peer\.entity\] at spec\.ingress\[0\]/,
      );
      await untilMetric(first, /policies\{accepted="false"\} 1$/m);
      const { resourceVersion: _, uid: __, ...metadata } = body.metadata;
      await created(cluster, {
        ...body,
        kind: "ValidatingWebhookConfiguration",
        metadata,
      });
    },
  );

  await step(
    "kinds of Cilium's are followed when they appear, and only where they carry l7proto",
    async () => {
      await created(cluster, ciliumDefinition({}));
      await first.said.until(
        (line) => line.includes("CiliumNetworkPolicy are ignored"),
        "word of pruned policies",
      );
      await poll(async () => {
        const { status } = await cluster.send(
          "POST",
          `/apis/cilium.io/v2/namespaces/${NAMESPACE}/ciliumnetworkpolicies`,
          ciliumPolicy("pruned"),
        );
        return status === 201 || undefined;
      }, () => "policy of Cilium's");
      assertMatch(await untilEvent("pruned", "Ignored"), /drops l7proto/);
      await cluster.send(
        "PATCH",
        `${DEFINITIONS}/ciliumnetworkpolicies.cilium.io`,
        [{
          op: "replace",
          path: "/spec/versions/0/schema/openAPIV3Schema/properties/spec",
          value: {
            type: "object",
            "x-kubernetes-preserve-unknown-fields": true,
          },
        }],
      );
      await first.said.until(
        (line) => line.includes("CiliumNetworkPolicy are followed"),
        "word of policies that are followed",
      );
      await untilMetric(first, /policies\{accepted="false"\} 1$/m);
    },
  );

  const { body: { metadata } } = await cluster.send(
    "GET",
    `${IN_NAMESPACE}/pods/first`,
  );
  const { uid } = metadata;
  const tokenOf = (audience: string, pod?: { name: string; uid: string }) =>
    tokenFor(cluster, NAMESPACE, audience, pod);

  await step(
    "with its pod's token, and the authority that the pod was given, a sidecar is told its policies",
    async () => {
      const line = await first.said.until(
        (line) => line.includes("controller at "),
        "port for sidecars",
      );
      const [, port] = /controller at 127\.0\.0\.1:(\d+)/.exec(line)!;
      using client = Deno.createHttpClient({
        caCerts: [metadata.annotations["parley.dev/controller-ca"]],
      });
      const url = `https://127.0.0.1:${port}${STREAM_PATH}`;
      const ask = async (token: string) =>
        await fetch(url, {
          client,
          headers: { authorization: `Bearer ${token}` },
        });
      const refused = await ask(await tokenOf(AUDIENCE));
      await refused.body?.cancel();
      assertEquals(refused.status, 401);
      const answer = await ask(await tokenOf(AUDIENCE, { name: "first", uid }));
      assertEquals(answer.status, 200);
      let told = "";
      for await (
        const text of answer.body!.pipeThrough(new TextDecoderStream())
      ) {
        told += text;
        if (told.includes('"synced"')) break;
      }
      assertMatch(told, /ParleyPolicy\/fleet\/good/);
      await untilMetric(first, /^parley_controller_streams_refused_total\{/m);
    },
  );

  await step(
    "a token is the pod's that it is bound to, and of no other audience",
    async () => {
      using client = adminClient(cluster);
      const good = await tokenOf(AUDIENCE, { name: "first", uid });
      assertEquals(await reviewToken(client, good), {
        namespace: NAMESPACE,
        pod: "first",
        uid: metadata.uid,
      });
      const answers = [
        await reviewToken(client, await tokenOf(AUDIENCE)),
        await reviewToken(
          client,
          await tokenOf("https://kubernetes.default.svc", {
            name: "first",
            uid,
          }),
        ),
        await reviewToken(client, `${good}x`),
        await reviewToken(client, "x".repeat(20_000)),
      ];
      assert(answers.every((answer) => "refused" in answer));
      await cluster.send(
        "DELETE",
        `${IN_NAMESPACE}/pods/first?gracePeriodSeconds=0`,
      );
      // The API server remembers what it said of a token for a moment.
      await poll(
        async () => "refused" in await reviewToken(client, good) || undefined,
        () => "refusal of a gone pod's token",
      );
    },
  );

  await step("the webhook counts its reviews", async () => {
    const text = await webhook.metrics();
    assertMatch(
      text,
      /reviews_total\{path="\/inject",outcome="injected"\} [1-9]/,
    );
    assertMatch(
      text,
      /reviews_total\{path="\/validate",outcome="refused"\} [1-9]/,
    );
  });

  await step(
    "when the leader ends, the other one leads and writes",
    async () => {
      await untilMetric(second, /^parley_controller_leader 0$/m);
      await first[Symbol.asyncDispose]();
      const start = performance.now();
      await second.said.until(
        (line) => line.includes(" leads"),
        "other leader",
      );
      print(`another leads after ${Math.round(performance.now() - start)} ms`);
      await created(cluster, policy("later"));
      await untilStatus("later", accepted("True"));
    },
  );
});

function accepted(wanted: string) {
  return ({ conditions }: Status) =>
    conditions.some(({ type, status }) =>
      type === "Accepted" && status === wanted
    );
}

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

function print(text: string): void {
  console.log(`    ${text}`);
}
