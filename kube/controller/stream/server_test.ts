/** Sidecars' streams, by real TLS clients: what they are told, and who is not. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { connect } from "node:net";
import { tagOf } from "../../../proxy/identities/protocol.ts";
import { poll } from "../../../tests/e2e/wait.ts";
import { createGeneration } from "../../webhook/certificate.ts";
import { STALE_MS } from "../watched.ts";
import { Field, pod, policy, smallCluster, sync } from "./testing.ts";

const WHOLE_OF_A = [
  "reset",
  "endpoint a",
  "pod-cidrs",
  "policy ParleyPolicy/default/in",
  "identity 10.0.0.2",
];

Deno.test("a sidecar is told its state, and then what becomes of it", async () => {
  await using field = await Field.open(sync(smallCluster()));
  await using a = await field.ask("a");
  assertEquals(a.status, 200);
  assertEquals(await a.batch(), WHOLE_OF_A);
  field.cluster.setPod(pod("c", { ips: ["10.0.0.3"], labels: { app: "b" } }));
  assertEquals(await a.batch(), ["identity 10.0.0.3"]);
  field.cluster.deletePod({ namespace: "default", name: "b" });
  assertEquals(await a.batch(), ["identity-gone 10.0.0.2"]);
  field.cluster.deletePolicy(policy({}));
  assertEquals(await a.batch(), [
    "policy-gone ParleyPolicy/default/in",
    "identity-gone 10.0.0.3",
  ]);
});

Deno.test("a sidecar is told how much of the cluster its state has in it", async () => {
  await using field = await Field.open(sync(smallCluster()));
  const pods = field.watched.watch("pods");
  pods.reads("10");
  pods.has("20");
  await using a = await field.ask("a");
  await a.batch();
  assertEquals(a.synced, { event: "synced", versions: { pods: ["10", "20"] } });
  pods.reads("21");
  field.cluster.deletePod({ namespace: "default", name: "b" });
  pods.has("21");
  assertEquals(await a.batch(), ["identity-gone 10.0.0.2"]);
  assertEquals(a.synced, { event: "synced", versions: { pods: ["21", "21"] } });
});

Deno.test("nothing is told by who has not heard of the cluster for long", async () => {
  await using field = await Field.open(sync(smallCluster()));
  const pods = field.watched.watch("pods");
  field.now = STALE_MS + 1;
  await using late = await field.ask("a");
  assertEquals(late.status, 503);
  assertMatch(await late.line() ?? "", /API server says nothing of pods/);
  assertEquals(field.server.counts.refused, { stale: 1 });
  pods.has("1");
  await using a = await field.ask("a");
  assertEquals(await a.batch(), WHOLE_OF_A);
});

Deno.test("whose state it is, the token says; nothing in a request asks for another's", async () => {
  await using field = await Field.open(sync(smallCluster()));
  await using b = await field.ask("b");
  assertEquals(await b.batch(), ["reset", "endpoint b", "pod-cidrs"]);
  await using other = await field.ask("b", {}, {
    path: "/v1/sidecar?pod=a&namespace=default",
  });
  assertEquals(other.status, 404);
});

Deno.test("a sidecar waits until its namespace is known, by whose labels policies may select it", async () => {
  await using field = await Field.open(sync(smallCluster()));
  const { cluster } = field;
  cluster.deleteNamespace("default");
  cluster.setPolicy({
    kind: "ParleyClusterPolicy",
    name: "in",
    uid: "1",
    generation: 1,
    document: {
      spec: {
        endpointSelector: {
          matchLabels: { "io.cilium.k8s.namespace.labels.team": "a" },
        },
        ingress: [],
      },
    },
  });
  await using early = await field.ask("b");
  assertEquals(early.status, 503);
  cluster.setNamespace({ name: "default", labels: { team: "a" } });
  await using b = await field.ask("b");
  assertEquals((await b.batch()).at(-1), "policy ParleyClusterPolicy/in");
});

Deno.test("a sidecar that has the state already is told that nothing is another", async () => {
  await using field = await Field.open(sync(smallCluster()));
  const state = field.cluster.stateFor("default", "a")!;
  await using a = await field.ask("a", {
    "if-none-match": tagOf(state.values()),
  });
  assertEquals(await a.batch(), []);
  field.cluster.setPod(pod("c", { ips: ["10.0.0.3"], labels: { app: "b" } }));
  assertEquals(await a.batch(), ["identity 10.0.0.3"]);
  await using again = await field.ask("a", { "if-none-match": '"another"' });
  assertEquals((await again.batch()).length, WHOLE_OF_A.length + 1);
});

Deno.test("a sidecar with policies of its own is told of everybody", async () => {
  await using field = await Field.open(sync(smallCluster()));
  await using b = await field.ask("b", { "parley-view": "complete" });
  assertEquals((await b.batch()).slice(3), [
    "identity 10.0.0.1",
    "identity 10.0.0.2",
    "identity 10.0.0.3",
  ]);
  field.cluster.deletePod({ namespace: "default", name: "c" });
  assertEquals(await b.batch(), ["identity-gone 10.0.0.3"]);
});

Deno.test("a stream ends with its pod, and with another pod of the same name", async () => {
  await using field = await Field.open(sync(smallCluster()));
  await using a = await field.ask("a");
  await a.batch();
  field.cluster.setPod(pod("a", { uid: "another" }));
  assertEquals(await a.batch(), ["end"]);
  await using b = await field.ask("b");
  await b.batch();
  field.cluster.deletePod({ namespace: "default", name: "b" });
  assertEquals(await b.batch(), ["end"]);
  await poll(
    () => field.server.counts.streams === 0 || undefined,
    () => "streams are left",
  );
});

Deno.test("of two streams for one pod the later one goes on", async () => {
  await using field = await Field.open(sync(smallCluster()));
  await using first = await field.ask("a");
  await first.batch();
  await using second = await field.ask("a");
  await second.batch();
  await assertRejects(first.batch());
  assertEquals(field.server.connected(), [{ namespace: "default", name: "a" }]);
  field.cluster.deletePod({ namespace: "default", name: "b" });
  assertEquals(await second.batch(), ["identity-gone 10.0.0.2"]);
});

const REFUSED = [
  {
    name: "no token",
    headers: { authorization: "" },
    status: 401,
    reason: "token",
  },
  {
    name: "another kind of authorization",
    headers: { authorization: "Basic eDp5" },
    status: 401,
    reason: "token",
  },
  {
    name: "a token that the API server refuses",
    headers: { authorization: "Bearer forged" },
    status: 401,
    reason: "token",
  },
  {
    name: "a token that is too long",
    headers: { authorization: `Bearer ${"x".repeat(9000)}` },
    status: 401,
    reason: "token",
  },
  {
    name: "a pod that is not there",
    pod: "nobody",
    status: 503,
    reason: "pod",
  },
  { name: "a pod without a sidecar", pod: "plain", status: 503, reason: "pod" },
  {
    name: "the token of a pod that had the name before",
    pod: "reborn",
    status: 503,
    reason: "pod",
  },
  { name: "another path", path: "/v1/sidecars", status: 404, reason: "path" },
  { name: "another method", method: "DELETE", status: 405, reason: "method" },
  {
    name: "a body",
    method: "POST",
    body: "x".repeat(1_000_000),
    status: 405,
    reason: "method",
  },
];

for (
  const { name, headers, pod: who = "a", path, method, body, status, reason }
    of REFUSED
) {
  Deno.test(`${name} gets no stream, is counted and logged, and others go on`, async () => {
    const cluster = sync(smallCluster());
    cluster.setPod(pod("plain", { isInjected: false }));
    cluster.setPod(pod("reborn", { uid: "another" }));
    await using field = await Field.open(cluster);
    const init = {
      ...(path ? { path } : {}),
      ...(method ? { method } : {}),
      ...(body ? { body } : {}),
    };
    await using client = await field.ask(who, headers, init);
    assertEquals(client.status, status);
    assertEquals(field.server.counts.refused, { [reason]: 1 });
    assertMatch(
      field.log.lines.join("\n"),
      /^warn: a sidecar's request is refused: /,
    );
    await using a = await field.ask("a");
    assertEquals(await a.batch(), WHOLE_OF_A);
  });
}

Deno.test("nothing is told while the cluster is not known, or a token cannot be asked about", async () => {
  await using field = await Field.open(smallCluster());
  await using early = await field.ask("a");
  assertEquals([early.status, field.asked], [503, []]);
  sync(field.cluster);
  field.isApiServerAway = true;
  await using unasked = await field.ask("a");
  assertEquals(unasked.status, 503);
  assertEquals(field.server.counts.refused, { starting: 1, unasked: 1 });
});

Deno.test("who shows many tokens at once does not have the API server asked about all of them", async () => {
  const answer = Promise.withResolvers<{ refused: string }>();
  let questions = 0;
  await using field = await Field.open(sync(smallCluster()), {
    authenticate: () => {
      questions++;
      return answer.promise;
    },
  });
  const asking = Array.from({ length: 80 }, (_, i) => field.ask(`${i}`));
  await poll(
    () => field.server.counts.refused["busy"] === 16 || undefined,
    () => JSON.stringify(field.server.counts.refused),
  );
  assertEquals(questions, 64);
  answer.resolve({ refused: "forged" });
  const statuses = [];
  for (const client of await Promise.all(asking)) {
    await using _ = client;
    statuses.push(client.status);
  }
  assertEquals(statuses.filter((status) => status === 503).length, 16);
  assertEquals(statuses.filter((status) => status === 401).length, 64);
});

Deno.test("a stream ends when its token is not good any more; not because nobody can be asked", async () => {
  await using field = await Field.open(sync(smallCluster()), {
    authenticateEvery: 20,
  });
  await using a = await field.ask("a");
  await a.batch();
  field.isApiServerAway = true;
  const asked = field.asked.length;
  await poll(
    () => field.asked.length > asked + 3 || undefined,
    () => "it is not asked again",
  );
  assertEquals(field.server.counts.streams, 1);
  field.isApiServerAway = false;
  field.refused.set("token-of-a", "expired");
  assertEquals(await a.batch(), ["end"]);
  await using again = await field.ask("a");
  assertEquals(again.status, 401);
});

Deno.test("a reader that takes nothing costs no queue: it is told what there is when it reads again", async () => {
  const cluster = sync(smallCluster());
  await using field = await Field.open(cluster);
  await using slow = await field.ask("a");
  await slow.batch();
  await using quick = await field.ask("b", { "parley-view": "complete" });
  await quick.batch();
  // Far more than sockets hold, were it all to be sent.
  const filler = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`filler-${i}`, "x".repeat(60)]),
  );
  const versions = 1_000;
  for (let i = 1; i <= versions; i++) {
    cluster.setPod(pod("b", {
      ips: ["10.0.0.2"],
      labels: { app: "b", version: `${i}`, ...filler },
    }));
    if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const size = JSON.stringify(filler).length;
  let seen = 0;
  let last = "";
  while (last !== `${versions}`) {
    const line = await slow.line();
    const { event, labels } = JSON.parse(line!);
    if (event !== "identity") continue;
    seen++;
    last = labels.version;
  }
  assert(seen < versions / 2, `${seen} of ${versions} versions were sent`);
  assert(
    field.server.counts.bytes < versions * size,
    `${field.server.counts.bytes}`,
  );
});

Deno.test("clients that speak no TLS, or trust another authority, are hung up on and counted", async () => {
  await using field = await Field.open(sync(smallCluster()));
  {
    using plain = await Deno.connect({
      hostname: "127.0.0.1",
      port: field.server.port,
    });
    await plain.write(
      new TextEncoder().encode("GET /v1/sidecar HTTP/1.1\r\n\r\n"),
    );
    const reply = new Uint8Array(100);
    while (await plain.read(reply).catch(() => null) !== null) {
      /* an alert */
    }
  }
  const { ca } = await createGeneration(["127.0.0.1"], 60_000);
  using stranger = Deno.createHttpClient({ caCerts: [ca] });
  await assertRejects(fetch(field.url, { client: stranger }), TypeError);
  assert(field.server.counts.refused["tls"]! >= 1);
  await using a = await field.ask("a");
  assertEquals(await a.batch(), WHOLE_OF_A);
});

Deno.test("one address takes no more than its part of the connections", async () => {
  await using field = await Field.open(sync(smallCluster()));
  const { port } = field.server;
  const greedy = Array.from(
    { length: 300 },
    () => connect({ host: "127.0.0.1", port, localAddress: "127.0.0.9" }),
  );
  for (const socket of greedy) socket.on("error", () => {}); // it is closed
  try {
    await poll(
      () => field.server.counts.refused["address"],
      () => JSON.stringify(field.server.counts.refused),
    );
    assertMatch(
      field.log.lines.join("\n"),
      /127\.0\.0\.9 has 256 connections open/,
    );
    await using a = await field.ask("a");
    assertEquals(await a.batch(), WHOLE_OF_A);
  } finally {
    for (const socket of greedy) socket.destroy();
  }
});

Deno.test("a head of a request that has no end is refused", async () => {
  await using field = await Field.open(sync(smallCluster()));
  await using client = await field.ask("a", { "x-filler": "x".repeat(100_000) })
    .catch(() => undefined) ??
    { status: 431, async [Symbol.asyncDispose]() {} };
  assertEquals(client.status, 431);
  await using a = await field.ask("a");
  assertEquals(await a.batch(), WHOLE_OF_A);
});

Deno.test("another certificate is served at once, and open streams go on", async () => {
  await using field = await Field.open(sync(smallCluster()));
  await using a = await field.ask("a");
  await a.batch();
  const next = await createGeneration(["127.0.0.1"], 60_000);
  field.server.use(next);
  using http = Deno.createHttpClient({ caCerts: [next.ca] });
  const response = await fetch(field.url, { client: http });
  await response.body!.cancel();
  assertEquals(response.status, 404);
  field.cluster.deletePod({ namespace: "default", name: "b" });
  assertEquals(await a.batch(), ["identity-gone 10.0.0.2"]);
});
