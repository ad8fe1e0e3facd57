/**
 * What deploy/ and the webhook do in a real API server. `deno task test:kube`;
 * the first time it builds the server, which takes a quarter of an hour.
 * `PARLEY_KUBE_ROTATIONS` says how many certificates follow one another.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { inject, type InjectOptions } from "../../kube/inject/inject.ts";
import { difference } from "../../kube/inject/patch.ts";
import { undo } from "../../kube/inject/undo.ts";
import { countFrom } from "../e2e/harness.ts";
import { poll } from "../e2e/wait.ts";
import { etcd, kubeApiServer, kubectl, testWith } from "../setup/mod.ts";
import { freePort } from "../free_port.ts";
import { type Answer, Cluster, type KubeObject } from "./cluster.ts";
import { pod, PODS } from "./pods.ts";
import {
  bundles,
  deployed,
  onLoopback,
  overwriteBundles,
  startWebhook,
} from "./webhook.ts";

const OPTIONS: InjectOptions = { image: "parley:test", sidecar: "native" };

/** Namespaces and their labels. */
const NAMESPACES = {
  guarded: { "parley.dev/inject": "enabled" },
  plain: {},
  "opted-out": { "parley.dev/inject": "disabled" },
  "mis-spelt": { "parley.dev/inject": "enable" },
  strict: {
    "parley.dev/inject": "enabled",
    "pod-security.kubernetes.io/enforce": "restricted",
  },
};

/** Pods created at the same time, and in all, for the figure that is printed. */
const BURST = { together: 20, pods: 500 };

/** Of a certificate of a minute; each takes 40 seconds. */
const ROTATIONS = countFrom("PARLEY_KUBE_ROTATIONS", 1);

const needs = {
  etcd: await etcd(),
  apiServer: await kubeApiServer(),
  kubectl: await kubectl(),
};

testWith(needs, "the webhook in a real API server", async (tools, test) => {
  await using cluster = await Cluster.start(tools.etcd, tools.apiServer);
  const port = freePort();
  const step = (name: string, fn: () => Promise<void>) => test.step(name, fn);

  await step(
    "deploy/ is accepted, without a field that is not known",
    async () => {
      for (const object of await deployed(tools.kubectl.command)) {
        const { status, body } = await cluster.create(onLoopback(object, port));
        assertEquals([object.kind, status, body.message], [
          object.kind,
          201,
          undefined,
        ]);
      }
      for (const [name, labels] of Object.entries(NAMESPACES)) {
        const metadata = { name, labels };
        await created(cluster, {
          apiVersion: "v1",
          kind: "Namespace",
          metadata,
        });
        await withAccount(cluster, name);
      }
      await withAccount(cluster, "kube-system");
    },
  );

  await using first = await startWebhook(cluster, port, "1h");

  await step(
    "with its service account's rights the webhook has itself trusted",
    async () => {
      const [one, other] = await bundles(cluster);
      assert(one !== "" && one === other);
      await untilCreated(cluster);
    },
  );

  for (const [name, { metadata, spec }] of Object.entries(PODS)) {
    await step(
      `${name} is injected, and what its author wrote stays`,
      async () => {
        const given = pod("guarded", metadata, spec);
        const bare = await created(cluster, {
          ...given,
          metadata: { ...given.metadata, namespace: "plain" },
        });
        const injected = await created(cluster, given);
        assert(injected.metadata.annotations["parley.dev/injected"]);
        assertEquals(essence(undo(injected)), essence(bare));
        // Asked again, with all that the server has filled in, there is nothing to do.
        const again = inject(injected, OPTIONS);
        assert(again.kind === "injected");
        assertEquals(difference(injected, again.pod), []);
      },
    );
  }

  await step(
    "the sidecar gets no token of the pod's service account",
    async () => {
      const { spec } = await created(cluster, pod("guarded"));
      const mounts = [...spec.initContainers, ...spec.containers].map(
        ({ name, volumeMounts }: {
          name: string;
          volumeMounts?: { mountPath: string }[];
        }) => [
          name,
          volumeMounts?.some(({ mountPath }) =>
            /serviceaccount/.test(mountPath)
          ) ??
            false,
        ],
      );
      assertEquals(mounts, [
        ["parley-redirect", false],
        ["parley", false],
        ["app", true],
      ]);
    },
  );

  await step(
    "the restricted profile lets the sidecar in, and no redirection",
    async () => {
      const { metadata, spec } = PODS["a pod without redirection"]!;
      await created(cluster, pod("strict", metadata, spec));
      const redirected = pod("strict", {}, spec);
      assertMatch(
        refusedBy(await cluster.create(redirected)),
        /PodSecurity "restricted.*NET_ADMIN/,
      );
    },
  );

  await step(
    "a pod that cannot be guarded is refused in a sentence",
    async () => {
      const answer = await cluster.create(
        pod("guarded", {}, { hostNetwork: true }),
      );
      assertMatch(
        refusedBy(answer),
        /namespaces\.inject\.parley\.dev" denied the request: Parley cannot guard this pod: .*hostNetwork/,
      );
    },
  );

  await step("a warning reaches whoever creates the pod", async () => {
    const { metadata, spec } = PODS["a pod without redirection"]!;
    const { warnings } = await cluster.create(
      pod("guarded", metadata, spec),
    );
    assertMatch(warnings.join(), /nothing redirects port 11211/);
  });

  const label = (value: string) => ({
    labels: { "parley.dev/inject": value },
    annotations: { "parley.dev/ports": "1" },
  });
  const chosen = [
    { namespace: "guarded", metadata: {}, isInjected: true },
    { namespace: "mis-spelt", metadata: {}, isInjected: true },
    { namespace: "plain", metadata: {}, isInjected: false },
    { namespace: "plain", metadata: label("enabled"), isInjected: true },
    { namespace: "guarded", metadata: label("disabled"), isInjected: false },
    {
      namespace: "guarded",
      metadata: {
        annotations: {
          "parley.dev/ports": "1",
          "parley.dev/inject": "disabled",
        },
      },
      isInjected: false,
    },
    { namespace: "opted-out", metadata: label("enabled"), isInjected: false },
    { namespace: "kube-system", metadata: label("enabled"), isInjected: false },
  ];
  for (const { namespace, metadata, isInjected } of chosen) {
    const what = `${JSON.stringify(metadata)} in ${namespace}`;
    await step(
      `a pod with ${what} is ${isInjected ? "" : "not "}injected`,
      async () => {
        const { metadata: found } = await created(
          cluster,
          pod(namespace, metadata),
        );
        const mark = found.annotations["parley.dev/injected"];
        assertEquals(mark !== undefined, isInjected);
      },
    );
  }

  await step(
    "an authority that somebody overwrites is put back, and pods go on",
    async () => {
      const own = await bundles(cluster);
      const start = performance.now();
      await overwriteBundles(
        cluster,
        btoa(await Deno.readTextFile(cluster.caFile)),
      );
      await poll(async () => {
        const now = await bundles(cluster);
        return now.join() === own.join() || undefined;
      }, () => "bundle as it was");
      print(`CA bundle put back after ${since(start)}`);
      await untilCreated(cluster);
    },
  );

  await step(`${BURST.pods} pods in a burst are injected`, async () => {
    const times: number[] = [];
    await eachOf(BURST, async () => {
      const start = performance.now();
      await created(cluster, pod("guarded"));
      times.push(performance.now() - start);
    });
    times.sort((a, b) => a - b);
    const at = (share: number) =>
      Math.round(times[Math.floor(times.length * share)]!);
    print(
      `${BURST.pods} pods, ${BURST.together} at a time: created in ${
        at(0.5)
      } ms (median), ${at(0.99)} ms (p99); ${await admissionTimes(cluster)}`,
    );
  });

  await first[Symbol.asyncDispose]();

  await step(
    "without a webhook pods are refused, and say why; other namespaces go on",
    async () => {
      assertMatch(
        refusedBy(await cluster.create(pod("guarded"))),
        /failed calling webhook "namespaces\.inject\.parley\.dev"/,
      );
      for (const namespace of ["kube-system", "plain", "opted-out"]) {
        await created(cluster, pod(namespace));
      }
      await created(cluster, pod("guarded", label("disabled")));
    },
  );

  await step(
    "a certificate of another life follows, and no pod fails meanwhile",
    async () => {
      await using second = await startWebhook(cluster, port, "1m");
      await untilCreated(cluster);
      const start = performance.now();
      let pods = 0;
      const served = () =>
        second.said.all().filter((line) =>
          line.includes("certificate is served")
        )
          .length;
      const atFirst = served();
      while (served() < atFirst + ROTATIONS) {
        await created(cluster, pod("guarded"));
        pods++;
        assert(
          performance.now() - start < ROTATIONS * 120_000,
          "no other certificate is served",
        );
      }
      for (let i = 0; i < 20; i++) await created(cluster, pod("guarded"));
      print(`${ROTATIONS} more certificates in ${since(start)}, ${pods} pods`);
    },
  );
});

/** Creates an object; what the server made of it. */
async function created(
  cluster: Cluster,
  object: KubeObject,
  // deno-lint-ignore no-explicit-any -- as the server has it
): Promise<any> {
  const { status, body } = await cluster.create(object);
  assertEquals([status, body.message], [201, undefined]);
  return body;
}

/** The refusal's words. */
function refusedBy({ status, body }: Answer): string {
  assert(status >= 400, `it is accepted: ${status}`);
  return body.message;
}

/** Pods need the account that a controller would make; namespaces of the system come by themselves. */
async function withAccount(cluster: Cluster, namespace: string): Promise<void> {
  const metadata = { name: "default", namespace };
  await poll(async () => {
    const { status } = await cluster.create({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata,
    });
    return status === 201 || undefined;
  }, () => `account in ${namespace}`);
}

/** Creates a pod of a guarded namespace until that is let in: the server learns of a change in a moment. */
async function untilCreated(cluster: Cluster): Promise<void> {
  await poll(
    async () =>
      (await cluster.create(pod("guarded"))).status === 201 || undefined,
    () => "pod that is let in",
  );
}

/** What two pods of one author have in common, wherever and whenever they are made. */
function essence(value: unknown): unknown {
  const { metadata, spec } = structuredClone(value) as {
    metadata: Record<string, unknown>;
    spec: { volumes?: { name: string }[] };
  };
  const own = ["labels", "annotations", "ownerReferences"];
  // The account's token is a volume with a name of its own.
  const text = JSON.stringify(spec)
    .replaceAll(/kube-api-access-\w+/g, "kube-api-access");
  return {
    metadata: Object.fromEntries(own.map((key) => [key, metadata[key]])),
    spec: JSON.parse(text),
  };
}

/** Does something a number of times, some at once. */
async function eachOf(
  { together, pods }: { together: number; pods: number },
  act: () => Promise<void>,
): Promise<void> {
  let left = pods;
  await Promise.all(Array.from({ length: together }, async () => {
    while (left-- > 0) await act();
  }));
}

/** How long the API server itself says that it waited for the webhook. */
async function admissionTimes(cluster: Cluster): Promise<string> {
  const { body } = await cluster.send("GET", "/metrics");
  const buckets = [
    ...String(body).matchAll(
      /^apiserver_admission_webhook_admission_duration_seconds_bucket\{name="namespaces\.inject\.parley\.dev",operation="CREATE",rejected="false",type="admit",le="([^"]+)"\} (\d+)$/gm,
    ),
  ].map(([, bound, count]) => [bound!, Number(count)] as const);
  const all = buckets.at(-1)?.[1] ?? 0;
  const bound = (share: number) =>
    buckets.find(([, count]) => count >= all * share)?.[0] ?? "?";
  return `the webhook took at most ${bound(0.5)} s (median), ${
    bound(0.99)
  } s (p99) of ${all} reviews`;
}

function since(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

function print(text: string): void {
  console.log(`    ${text}`);
}
