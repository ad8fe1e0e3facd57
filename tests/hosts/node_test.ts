/**
 * Real hosts, one proxy for a node: connections that are routed through it, and
 * several workloads behind it.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { memcachedServer, testWith } from "../setup/mod.ts";
import { Hosts } from "./hosts.ts";
import { applied } from "./parley.ts";
import { hostTools } from "./programs.ts";
import {
  ANSWERS,
  DENIED,
  HostSidecar,
  identities,
  INGRESS,
  type Line,
  MONITORING,
  policy,
  REQUESTS,
  requests,
  SERVED,
  startMemcached,
} from "./sidecar.ts";
import { at, dial, talk, Witness } from "./witness.ts";

const needs = { ...await hostTools(), memcached: await memcachedServer() };
const tproxy = needs;

const FAMILIES = ["v4", "v6"] as const;
const ANY = { v4: "0.0.0.0", v6: "::" } as const;

for (const family of FAMILIES) {
  testWith(
    tproxy,
    `TPROXY, ${family}: a policy is enforced, and the server sees the client's address`,
    async ({ namespaces, nft, memcached, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload, server } = hosts;
      const address = server.address[family];
      await startMemcached(memcached, server, [ANY[family]]);
      const app = await Witness.start(python, server, [ANY[family], 11300]);
      await applied(workload, nft, "--ports 11211,11300 --tproxy");
      const open = policy("open", SERVED, "ingress", MONITORING, []) as {
        spec: { ingress: { toPorts: unknown }[] };
      };
      open.spec.ingress[0]!.toPorts = [{
        ports: [{ port: "11300", protocol: "TCP" }],
      }];
      await using sidecar = await HostSidecar.start(
        workload,
        {
          endpoint: { name: "memcached-0", labels: SERVED },
          listeners: [{ ...INGRESS, transparent: "tproxy" }],
          identities: identities(client.address, MONITORING),
        },
        [policy("guard", SERVED, "ingress", MONITORING, ["get"]), open],
        {
          capability: "net_admin",
        },
      );

      const { text, from } = await talk(
        python,
        client,
        [address, 11211],
        REQUESTS,
      );
      assertEquals(text, ANSWERS);
      const way = `ingress ${from} ${at(address, 11211)}`;
      assertEquals((await requests(sidecar))[1], `denied ${way} set`);
      const plain = await dial(python, client, [address, 11300]);
      assertEquals(plain.text, "witness 11300");
      const host = (text: string) => text.slice(0, text.lastIndexOf(":"));
      assertEquals(host((await app.next()).peer), host(plain.from!));
    },
  );
}
/** One proxy, two workloads: which one it is, the original destination tells. */
const NODES = [
  {
    name: "NAT",
    needs: needs,
    options: "--ports 11211",
    transparent: true,
    on: "workload",
    net: 1,
  },
  {
    name: "TPROXY",
    needs: needs,
    options: "--ports 11211 --tproxy",
    transparent: "tproxy",
    on: "server",
    net: 2,
  },
] as const;

for (const { name, needs, options, transparent, on, net } of NODES) {
  testWith(
    needs,
    `endpoints, ${name}: each workload has its own policy`,
    async ({ namespaces, nft, memcached, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload } = hosts;
      const [guarded, open] = [`10.81.${net}.11`, `10.81.${net}.12`];
      const device = on === "workload" ? "to-client" : "to-workload";
      for (const address of [guarded, open]) {
        await hosts[on].output("ip", [
          "address",
          "add",
          `${address}/24`,
          "dev",
          device,
        ]);
      }
      await startMemcached(memcached, hosts[on], ["0.0.0.0"]);
      await applied(workload, nft, options);
      await using sidecar = await HostSidecar.start(workload, {
        endpoints: [
          { name: "guarded-0", labels: SERVED, addresses: [guarded] },
          { name: "open-0", labels: { app: "open" }, addresses: [open] },
        ],
        listeners: [{ ...INGRESS, transparent }],
        identities: identities(client.address, MONITORING),
      }, [
        policy("guard", SERVED, "ingress", MONITORING, ["get"]),
        policy("open", { app: "open" }, "ingress", MONITORING, ["get", "set"]),
      ], transparent === "tproxy" ? { capability: "net_admin" } : {});

      const set = "set a 0 0 1\r\nx\r\n";
      const ask = async (address: string) =>
        (await talk(python, client, [address, 11211], set)).text;
      assertEquals([await ask(guarded), await ask(open)], [
        DENIED,
        "STORED\r\n",
      ]);
      const lines = await sidecar.log.expect(2, { type: "request" }) as Line[];
      assertEquals(
        lines.map(({ verdict, destination }) =>
          `${verdict} ${destination.address}`
        ),
        [`denied ${guarded}:11211`, `forwarded ${open}:11211`],
      );
    },
  );
}
