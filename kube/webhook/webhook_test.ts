/** The webhook from its start to its end, with the API server that stands in. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects as assertRejects,
  strictEqual as assertSame,
} from "node:assert/strict";
import { poll } from "../../tests/e2e/wait.ts";
import { TRUSTING } from "../../policy/stored.ts";
import { KubeError } from "../client/client.ts";
import { bundleOf, readCredentials } from "./credentials.ts";
import { Keeper } from "./keeper.ts";
import { ask, createLog, REVIEW, StandIn } from "./testing.ts";
import { Webhook } from "./webhook.ts";

const MINUTE = 60_000;
const REVIEW_TEXT = JSON.stringify(REVIEW);

function optionsOf(api: StandIn, life = 60 * MINUTE) {
  return {
    client: api.client,
    hostname: "127.0.0.1",
    port: 0,
    namespace: "parley-system",
    hosts: ["127.0.0.1"],
    image: "parley:1",
    life,
    catalog: TRUSTING,
    metrics: {
      hostname: "127.0.0.1",
      port: 0,
      exposition: { type: "text/plain", write: () => "" },
    },
    log: createLog(),
  };
}

async function isAnswered({ port }: Webhook, api: StandIn): Promise<boolean> {
  const [bundle] = api.bundles;
  const { status, body } = await ask(port, bundle!, REVIEW_TEXT);
  return status === 200 && JSON.parse(body).response.allowed;
}

Deno.test("a webhook makes its certificate, has it trusted, and answers", async () => {
  await using api = new StandIn();
  const options = optionsOf(api);
  await using webhook = await Webhook.start(options);
  const stored = readCredentials(api.secret)!;
  assertEquals(api.bundles, Array(3).fill(bundleOf(stored)));
  assert(await isAnswered(webhook, api));
  assertEquals(
    options.log.lines.filter((line) => !line.startsWith("info")),
    [],
  );
});

Deno.test("two webhooks share one certificate", async () => {
  await using api = new StandIn();
  const both = await Promise.all([
    Webhook.start(optionsOf(api)),
    Webhook.start(optionsOf(api)),
  ]);
  await using first = both[0];
  await using second = both[1];
  assert(await isAnswered(first, api));
  assert(await isAnswered(second, api));
});

Deno.test("an authority that somebody overwrites is put back", async () => {
  await using api = new StandIn();
  const keeper = new Keeper(optionsOf(api));
  await keeper.round();
  const before = api.bundles;
  api.overwriteBundle("another");
  assert(api.bundles[0] !== before[0]);
  await keeper.round();
  assertEquals(api.bundles, before);
});

Deno.test("a webhook changes its certificate while it serves, and every request is answered", async () => {
  await using api = new StandIn();
  const options = optionsOf(api, 15_000); // of which a third is left when the next one is made
  await using webhook = await Webhook.start(options);
  const { current } = readCredentials(api.secret)!;
  const changed = () =>
    readCredentials(api.secret)!.current.cert !== current.cert;
  await poll(async () => {
    assert(await isAnswered(webhook, api));
    return changed() || undefined;
  }, () => "another certificate");
  const { ca } = readCredentials(api.secret)!.current;
  await poll(
    () =>
      ask(webhook.port, ca, REVIEW_TEXT)
        .then(({ status }) => status === 200 || undefined, () => undefined),
    () => "answer to who trusts the new authority alone",
  );
  assert(await isAnswered(webhook, api));
  assertEquals(options.log.lines.filter((line) => /warn|error/.test(line)), []);
});

Deno.test("a Secret that holds no certificate is filled again", async () => {
  await using api = new StandIn();
  const keeper = new Keeper(optionsOf(api));
  await keeper.round();
  api.secret["tls.crt"] = btoa("nonsense");
  const { current } = await keeper.round();
  assertSame(readCredentials(api.secret)!.current.cert, current.cert);
});

Deno.test("a webhook without its Secret does not start, and says which", async () => {
  await using api = new StandIn();
  const options = { ...optionsOf(api), namespace: "elsewhere" };
  await assertRejects(
    Webhook.start(options),
    (error) =>
      error instanceof KubeError && error.status === 404 &&
      /namespaces\/elsewhere\/secrets\/parley-webhook/.test(error.message),
  );
});
