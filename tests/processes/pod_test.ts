/** What a pod's sidecar has more: the pod says who it is, and the kubelet asks it about ports. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

const POLICY = JSON.stringify({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "closed", namespace: "fleet" },
  spec: { endpointSelector: { matchLabels: { app: "cache" } }, ingress: [{}] },
});

Deno.test({
  name:
    "policies select by the labels of endpoint.podInfo, and by others after SIGHUP",
  ignore,
  async fn() {
    const podInfo = await Deno.makeTempDir();
    const write = (name: string, text: string) =>
      Deno.writeTextFile(`${podInfo}/${name}`, text);
    try {
      await write("name", "cache-0");
      await write("namespace", "fleet");
      await write("labels", 'app="cache"\n');
      await using server = new LineServer();
      await using parley = await Parley.start({
        config: {
          endpoint: { podInfo },
          policies: ["policies/"],
          listeners: [{ name: "a", upstream: server.address }],
        },
        policies: { "closed.yaml": POLICY },
      });
      const reaches = async () => {
        using wire = await parley.connect("a");
        return await wire.ask("x\n", "\n").catch(() => "") === "x\n";
      };
      assertEquals(await reaches(), false);
      await write("labels", 'app="web"\n');
      parley.signal("SIGHUP");
      await poll(
        async () => await reaches() || undefined,
        () => "connection that the policy no longer denies",
      );
    } finally {
      await Deno.remove(podInfo, { recursive: true });
    }
  },
});

Deno.test({
  name: "portChecks tell of the workload, not of the sidecar",
  ignore,
  async fn() {
    const server = new LineServer();
    const port = Number(server.address.split(":")[1]);
    await using parley = await Parley.start({
      config: {
        portChecks: { listen: "127.0.0.1:0", ports: [port] },
        listeners: [{ name: "a", upstream: server.address }],
      },
    });
    const line = await parley.until(/port checks at 127\.0\.0\.1:\d+/);
    const [address] = /127\.0\.0\.1:\d+/.exec(line)!;
    const check = async () => {
      const response = await fetch(`http://${address}/ports/${port}`);
      await response.body!.cancel();
      return response.status;
    };
    assertEquals(await check(), 200);
    await server[Symbol.asyncDispose]();
    assertEquals(await check(), 503);
  },
});
