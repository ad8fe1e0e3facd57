/** The webhook's server, by real TLS clients. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { OPTIONS } from "../inject/testing.ts";
import { createGeneration } from "./certificate.ts";
import { answerReview } from "./review.ts";
import { WebhookServer } from "./server.ts";
import { ask, createLog, REVIEW } from "./testing.ts";

const HOSTS = ["127.0.0.1", "parley-webhook.parley-system.svc"];
const LIFE_MS = 600_000;

async function start() {
  const log = createLog();
  const generation = await createGeneration(HOSTS, LIFE_MS);
  const state = { isReady: true };
  const server = await WebhookServer.listen({
    hostname: "127.0.0.1",
    port: 0,
    certificate: generation,
    answers: {
      "/inject": (value) =>
        answerReview(value, { ...OPTIONS, systemNamespaces: [] }),
    },
    isReady: () => state.isReady,
    log,
  });
  return { server, log, state, ...generation };
}

const text = JSON.stringify(REVIEW);

Deno.test("the server answers a review", async () => {
  const { server, ca, log } = await start();
  await using _ = server;
  const { status, body } = await ask(server.port, ca, text);
  assertEquals([status, JSON.parse(body).response.allowed], [200, true]);
  assertEquals(log.lines, ["info: pod fleet/cache injected"]);
});

const REFUSED = [
  { name: "a body that is no JSON", body: "{", status: 400 },
  { name: "no body", body: "", status: 400 },
  { name: "JSON that is no review", body: "[1]", status: 400 },
  {
    name: "bytes that are no text",
    body: new Uint8Array([255, 0]),
    status: 400,
  },
  { name: "another path", body: text, path: "/", status: 404 },
  { name: "a body without end", body: "x".repeat(9 * 2 ** 20), status: 413 },
];

for (const { name, body, path, status } of REFUSED) {
  Deno.test(`the server refuses ${name} and goes on`, async () => {
    const { server, ca, log } = await start();
    await using _ = server;
    const refused = await ask(server.port, ca, body, path);
    assertEquals(refused.status, status);
    assertEquals(log.lines.length, 1);
    assertMatch(log.lines[0]!, new RegExp(`warn: .*refused \\(${status}\\)`));
    assertEquals((await ask(server.port, ca, text)).status, 200);
  });
}

Deno.test("who is refused again and again fills no log", async () => {
  const { server, ca, log } = await start();
  await using _ = server;
  const began = performance.now();
  for (let i = 0; i < 20; i++) {
    assertEquals((await ask(server.port, ca, "{")).status, 400);
  }
  // One at once, and one a second.
  const most = 1 + (performance.now() - began) / 1000;
  assert(log.lines.length <= most, log.lines.join("\n"));
});

Deno.test("the server says whether it lives, and whether it is ready", async () => {
  const { server, ca, state } = await start();
  await using _ = server;
  const probe = async (path: string) =>
    (await ask(server.port, ca, "", path)).status;
  assertEquals([await probe("/healthz"), await probe("/readyz")], [200, 200]);
  state.isReady = false;
  assertEquals([await probe("/healthz"), await probe("/readyz")], [200, 503]);
});

Deno.test("a client that speaks no TLS is hung up on, and others are answered", async () => {
  const { server, ca } = await start();
  await using _ = server;
  using plain = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  });
  await plain.write(new TextEncoder().encode("POST /inject HTTP/1.1\r\n\r\n"));
  const reply = new Uint8Array(100);
  const read = await plain.read(reply).catch(() => null);
  assert(read === null || reply[0] === 21, "neither closed nor a TLS alert");
  assertEquals((await ask(server.port, ca, text)).status, 200);
});

Deno.test("a client that trusts another authority is not answered", async () => {
  const { server, log } = await start();
  await using _ = server;
  const { ca } = await createGeneration(HOSTS, LIFE_MS);
  await assertRejects(ask(server.port, ca, text), TypeError);
  assertEquals(log.lines, []);
});

Deno.test("another certificate is served at once, without a new listener; open connections go on", async () => {
  const { server, ca } = await start();
  await using _ = server;
  const next = await createGeneration(HOSTS, LIFE_MS);
  using before = Deno.createHttpClient({ caCerts: [ca] });
  const post = async () => {
    const response = await fetch(`https://127.0.0.1:${server.port}/inject`, {
      client: before,
      method: "POST",
      body: text,
    });
    await response.body!.cancel();
    return response.status;
  };
  assertEquals(await post(), 200);
  server.use(next);
  assertEquals(await post(), 200); // on its connection
  assertEquals((await ask(server.port, next.ca, text)).status, 200);
  await assertRejects(ask(server.port, ca, text), TypeError);
});
