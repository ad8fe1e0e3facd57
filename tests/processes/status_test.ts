/** What a running sidecar says of its policy and of what it knows. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import type { SidecarStatus } from "../../proxy/administered.ts";
import { poll } from "../e2e/wait.ts";
import { ask } from "./admin_client.ts";
import { Resolver } from "./dns.ts";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

const POLICY = JSON.stringify({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "open" },
  spec: {
    endpointSelector: { matchLabels: { app: "guarded" } },
    ingress: [{ fromEntities: ["all"] }],
  },
});

async function statusOf(parley: Parley): Promise<SidecarStatus> {
  const { status, body } = await ask(parley.adminSocket, "GET", "/v1/status");
  assertEquals(status, 200);
  return body;
}

/** Until the status is as it should be. */
function until(
  parley: Parley,
  isThere: (status: SidecarStatus) => boolean,
): Promise<SidecarStatus> {
  let last: SidecarStatus | undefined;
  return poll(async () => {
    last = await statusOf(parley);
    return isThere(last) ? last : undefined;
  }, () => `such status; it is ${JSON.stringify(last)}`);
}

Deno.test({
  name:
    "a broken policy file is named with its reason while the old version holds; lost sources have an age",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using resolver = await Resolver.start({});
    await using parley = await Parley.start({
      config: {
        policies: ["policies/"],
        dns: { resolvers: [resolver.address] },
        cluster: { stream: "cluster.jsonl" },
        listeners: [{ name: "a", upstream: server.address }],
      },
      policies: { "open.yaml": POLICY },
    });
    const stream = `${parley.folder}/cluster.jsonl`;
    await Deno.writeTextFile(stream, '{"event":"synced"}\n');
    const states = ({ identities }: SidecarStatus) =>
      identities.map(({ name, state }) => `${name.split(" ")[0]} ${state}`);
    const live = ["configuration live", "stream live", "dns live"];
    const first = await until(
      parley,
      (status) => states(status).join() === live.join(),
    );
    const [document] = first.policy.documents;
    assertEquals(
      [document!.id, document!.status, document!.problems],
      ["default/open", "applied", []],
    );
    assert(first.identities.every(({ ageMs }) => ageMs! >= 0));

    await parley.savePolicy("open.yaml", POLICY.replace("spec", "specc"));
    await Deno.remove(stream);
    const { policy } = await until(
      parley,
      ({ policy }) => policy.documents[0]?.status === "kept-last-good",
    );
    assertEquals(policy.version, first.policy.version);
    assertMatch(policy.problems.join("\n"), /open\.yaml:1:\d+: .*specc/);
    await until(
      parley,
      (status) => states(status).join().includes("stream stale"),
    );
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("x\n", "\n"), "x\n");
  },
});
