/** Settings about policy as a whole, in the running sidecar, and what `parley trace` says of them. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { parley as run } from "../../cli/testing.ts";
import { poll } from "../e2e/wait.ts";
import { type Config, ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

const HOST = { cidr: "127.0.0.1", labels: { "reserved:host": "" } };
const POD = { cidr: "127.0.0.1", labels: { role: "pilot" } };

const FAR_POD = {
  cidr: "127.0.0.1",
  labels: { role: "pilot", "io.cilium.k8s.policy.cluster": "two" },
};

/** For workloads called `app: closed`: pilots alone, and that by a name of the port. */
const POLICY = JSON.stringify({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "closed" },
  spec: {
    endpointSelector: { matchLabels: { app: "closed" } },
    ingress: [{
      fromEndpoints: [{ matchLabels: { role: "pilot" } }],
      toPorts: [{ ports: [{ port: "lines", protocol: "TCP" }] }],
    }],
  },
});

/** `open` and `closed` workloads, the client as the host or as a pod, and settings. */
const CASES = [
  ["open", HOST, {}, "allowed"],
  ["open", HOST, { enforcement: "always" }, "denied"],
  ["open", HOST, { enforcement: "always", allowLocalhost: true }, "allowed"],
  ["open", HOST, { enforcement: "always", mode: "audit" }, "audit"],
  ["open", HOST, { enforcement: "never" }, "allowed"],
  ["closed", HOST, {}, "denied"],
  ["closed", POD, {}, "allowed"],
  ["closed", HOST, { allowLocalhost: true }, "allowed"],
  ["closed", HOST, { enforcement: "never" }, "allowed"],
  ["closed", HOST, { mode: "audit" }, "audit"],
  ["closed", POD, { cluster: { name: "one" } }, "allowed"],
  ["closed", FAR_POD, { cluster: { name: "one" } }, "denied"],
] as const;

type Case = typeof CASES[number];

Deno.test({
  name:
    "enforcement, allowLocalhost and mode count from SIGHUP on; trace and the sidecar agree",
  ignore,
  async fn() {
    await using server = new LineServer();
    const port = server.address.split(":")[1]!;
    // Each has a listener of its own: by that it is told that all is carried out.
    const configOf = (index: number, [app, client, settings]: Case) => ({
      endpoint: {
        name: "guarded-0",
        labels: { app },
        ports: { lines: Number(port) },
      },
      identities: [client],
      policies: ["policies/"],
      listeners: [{ name: `case-${index}`, upstream: server.address }],
      ...settings,
    });
    await using parley = await Parley.start({
      config: configOf(0, CASES[0]),
      policies: { "closed.yaml": POLICY },
    });
    for (const [index, each] of CASES.entries()) {
      if (index > 0) await follow(parley, configOf(index, each));
      const [app, , , want] = each;
      const { code, out, err } = await run(
        ...["trace", "-c", `${parley.folder}/parley.yaml`, "--json"],
        ...["--to", `app=${app}`, "--from", "127.0.0.1", "--port", port],
      );
      const name = JSON.stringify(each);
      assertEquals(code, want === "denied" ? 1 : 0, err);
      const { verdict, reason } = JSON.parse(out);
      assertEquals(verdict, want, name);
      const logged = await seen(parley, `case-${index}`);
      assertEquals(logged, { verdict, reason }, name);
    }
  },
});

Deno.test({
  name: "an open connection ends when enforcement is always from SIGHUP on",
  ignore,
  async fn() {
    await using server = new LineServer();
    const { address: upstream } = server;
    const before = { name: "before", upstream };
    const config = { listeners: [before] };
    await using parley = await Parley.start({ config });
    using open = await parley.connect("before");
    assertEquals(await open.ask("x\n", "\n"), "x\n");
    const listeners = [before, { name: "after", upstream }];
    await follow(parley, { listeners, enforcement: "always" });
    assertEquals(await open.ask("y\n", "\n").catch(() => "closed"), "closed");
    const line = await parley.log.one({ verdict: "denied" });
    assertEquals(line.reason, "no-rule");
  },
});

/** Until the sidecar has carried out another configuration, whose last listener is new. */
async function follow(parley: Parley, config: Config): Promise<void> {
  const from = parley.said.length;
  await parley.configure(config);
  parley.signal("SIGHUP");
  await parley.port(config.listeners.at(-1)!.name, from);
}

/** What becomes of a connection, as the line says that is logged of it first. */
async function seen(parley: Parley, listener: string) {
  // A port of before may come again.
  const { length } = await parley.log.lines();
  using wire = await parley.connect(listener);
  const reply = await wire.ask("x\n", "\n").catch(() => "");
  assert(reply === "x\n" || reply === "");
  wire.close();
  const { verdict, reason } = await poll(
    async () =>
      (await parley.log.lines()).slice(length)
        .find(({ source }) => source.address === wire.address),
    () => "line of the connection",
  );
  return { verdict: verdict === "forwarded" ? "allowed" : verdict, reason };
}
