/** A sidecar's side of a controller's stream: what it knows while the controller comes, goes, lies and is replaced. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { policy, smallCluster } from "../../kube/controller/stream/testing.ts";
import { poll } from "../../tests/e2e/wait.ts";
import { Bench, C_IS_B, field } from "./source_harness_test.ts";

Deno.test("a source knows what the controller says, and what becomes of it", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  assertEquals(it.policies, ["controller: ParleyPolicy/default/in"]);
  assertEquals(it.cidrs, ["10.0.0.2"]);
  assertEquals(it.source.told?.endpoint, {
    name: "a",
    namespace: "default",
    labels: { app: "a", "io.cilium.k8s.policy.serviceaccount": "default" },
  });
  assertMatch(it.status, /^controller URL: live, last heard 0 s ago$/);
  controller.cluster.setPod(C_IS_B);
  await it.knows("10.0.0.2", "10.0.0.3");
  controller.cluster.deletePolicy(policy({}));
  await it.knows();
  assertEquals(it.policies, []);
});

Deno.test("a source keeps what it knew while the controller is away, and says for how long", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await controller.hangUp();
  await it.becomes(/: stale, last heard 0 s ago: /);
  it.now += 90_000;
  assertMatch(it.status, /: stale, last heard 90 s ago: /);
  assertEquals(it.cidrs, ["10.0.0.2"]);
  controller.cluster.setPod(C_IS_B);
  await controller.listen(controller.port);
  await it.becomes(/: live, last heard 0 s ago$/);
  await it.knows("10.0.0.2", "10.0.0.3");
});

Deno.test("a source that comes back is told only what it does not know", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  const { counts } = controller.server;
  await controller.hangUp();
  await controller.listen(controller.port);
  await poll(
    () => controller.server.counts.streams === 1 || undefined,
    () => it.status,
  );
  await it.becomes(/: live/);
  assert(
    controller.server.counts.bytes < counts.bytes / 5,
    `${controller.server.counts.bytes} of ${counts.bytes}`,
  );
});

Deno.test("a source shows its token anew at each connection", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  controller.refused.set("token-of-a", "expired");
  const started = it.start();
  await it.becomes(
    /: starting, never heard: the controller answers 401: its token is refused: expired$/,
  );
  controller.refused.clear();
  await started;
  assertEquals(it.cidrs, ["10.0.0.2"]);
});

Deno.test("a source that is sent elsewhere shows its token to nobody there", async () => {
  await using elsewhere = await field();
  await using it = new Bench(elsewhere.folder, elsewhere.url);
  const redirecting = createServer(elsewhere.generation, (_, response) => {
    response.writeHead(307, { location: `${elsewhere.url}/v1/sidecar` }).end();
  });
  await new Promise<void>((resolve) =>
    redirecting.listen(0, "127.0.0.1", resolve)
  );
  const { port } = redirecting.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  try {
    await using sent = new Bench(elsewhere.folder, url);
    const stop = new AbortController();
    const started = sent.start(stop.signal);
    await sent.becomes(/: starting, never heard: .*redirect/);
    assertEquals(elsewhere.asked, []);
    stop.abort(new Error("enough"));
    await assertRejects(started, /enough/);
  } finally {
    redirecting.closeAllConnections();
    await new Promise((resolve) => redirecting.close(resolve));
  }
  await it.start(); // there somebody would have been
});

Deno.test("a source asks for all of the cluster when it is told to", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  it.source.want("complete");
  await it.knows("10.0.0.1", "10.0.0.2", "10.0.0.3");
  assertEquals(it.source.told?.view, "complete");
  it.source.want("needed");
  await it.knows("10.0.0.2");
});

Deno.test("a start waits for the controller, until it is to stop", async () => {
  await using controller = await field(smallCluster()); // that is not synced
  await using it = new Bench(controller.folder, controller.url);
  const stop = new AbortController();
  const started = it.start(stop.signal);
  await it.becomes(/: starting, never heard: the controller answers 503/);
  stop.abort(new Error("enough"));
  await assertRejects(started, /enough/);
});

Deno.test("a controller that never ends its refusal is left, and asked again", async () => {
  await using controller = await field();
  let count = 0;
  const server = createServer(controller.generation, (_, response) => {
    count++;
    response.writeHead(503).write("{");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await using it = new Bench(controller.folder, `https://127.0.0.1:${port}`);
    const stop = new AbortController();
    const started = it.start(stop.signal);
    await poll(() => count > 1 || undefined, () => it.status);
    stop.abort(new Error("enough"));
    await assertRejects(started, /enough/);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A controller that says what it is told to, and what a source makes of it. */
async function lying(
  answers: readonly string[],
  run: (it: Bench, count: () => number) => Promise<void>,
): Promise<void> {
  await using controller = await field();
  let count = 0;
  const server = createServer(controller.generation, (_, response) => {
    response.writeHead(200).end(answers[Math.min(count++, answers.length - 1)]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await using it = new Bench(controller.folder, `https://127.0.0.1:${port}`);
    await run(it, () => count);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const GOOD = [
  '{"event":"reset"}',
  '{"event":"endpoint","name":"a","namespace":"default","labels":{}}',
  '{"event":"identity","cidr":"10.0.0.2"}',
  '{"event":"synced"}',
  "",
].join("\n");

const LIES = [
  {
    name: "what is no event",
    text: '{"event":"allow-all"}\n',
    said: /line 1 is no event/,
  },
  { name: "what is no JSON", text: "hello\n", said: /line 1 is no event/ },
  {
    name: "half of a state",
    text: GOOD.replace('{"event":"synced"}\n', "").replace(
      "10.0.0.2",
      "10.0.0.9",
    ),
    said: /the controller ended the stream/,
  },
  {
    name: "a state of nobody",
    text: '{"event":"reset"}\n{"event":"synced"}\n',
    said: /does not say who the workload is/,
  },
  {
    name: "an address that is none",
    text: GOOD.replace("10.0.0.2", "10.0.0"),
    said: /line 3 is no event \(at "cidr"\)/,
  },
];

for (const { name, text, said } of LIES) {
  Deno.test(`a controller that says ${name} changes nothing, and is told of`, async () => {
    await lying([GOOD, text], async (it, count) => {
      await it.start();
      await poll(() => count() > 2 || undefined, () => it.status);
      await it.becomes(said);
      assertEquals(it.cidrs, ["10.0.0.2"]);
      assertMatch(it.status, /: stale, /);
    });
  });
}
