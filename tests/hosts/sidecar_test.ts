/**
 * Real hosts: memcached and its clients on machines of their own, a sidecar
 * between them that neither knows of.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { memcachedServer, testWith } from "../setup/mod.ts";
import { Hosts } from "./hosts.ts";
import { applied } from "./parley.ts";
import { hostTools } from "./programs.ts";
import {
  ANSWERS,
  HostSidecar,
  identities,
  INGRESS,
  MONITORING,
  policy,
  REQUESTS,
  requests,
  SERVED,
  startMemcached,
} from "./sidecar.ts";
import { at, talk } from "./witness.ts";

const needs = { ...await hostTools(), memcached: await memcachedServer() };
const transparent = needs;

const FAMILIES = ["v4", "v6"] as const;
const ANY = { v4: "0.0.0.0", v6: "::" } as const;
/** Each family's loopback is where `redirect` leads what a process opens. */
const EGRESS = ["127.0.0.1:15001", "[::1]:15001"].map((listen, i) => ({
  name: `out-${i}`,
  direction: "egress",
  listen,
  transparent: true,
  upstream: "original-dst",
}));

testWith(
  needs,
  "a sidecar under its own user guards a memcached on another port",
  async ({ namespaces, memcached, python }) => {
    await using hosts = await Hosts.start(namespaces);
    const { client, workload } = hosts;
    await startMemcached(memcached, workload, ["127.0.0.1"]);
    await using _sidecar = await HostSidecar.start(workload, {
      endpoint: { name: "memcached-0", labels: SERVED },
      listeners: [{ listen: "0.0.0.0:11311", upstream: "127.0.0.1:11211" }],
      identities: identities(client.address, MONITORING),
    }, [policy("guard", SERVED, "ingress", MONITORING, ["get"])]);
    const { text } = await talk(
      python,
      client,
      [workload.address.v4, 11311],
      REQUESTS,
    );
    assertEquals(text, ANSWERS);
  },
);

for (const family of FAMILIES) {
  testWith(
    transparent,
    `ingress, ${family}: a policy is enforced on redirected connections`,
    async ({ namespaces, nft, memcached, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload } = hosts;
      const address = workload.address[family];
      const server = await startMemcached(memcached, workload, [ANY[family]]);
      await applied(workload, nft, "--ports 11211");
      await using sidecar = await HostSidecar.start(workload, {
        endpoint: { name: "memcached-0", labels: SERVED },
        listeners: [INGRESS],
        identities: identities(client.address, MONITORING),
      }, [policy("guard", SERVED, "ingress", MONITORING, ["get"])]);

      const { text, from } = await talk(
        python,
        client,
        [address, 11211],
        REQUESTS,
      );
      assertEquals(text, ANSWERS);
      const way = `ingress ${from} ${at(address, 11211)}`;
      assertEquals(await requests(sidecar), [
        `forwarded ${way} get`,
        `denied ${way} set`,
        `forwarded ${way} get`,
      ]);
      const told = () =>
        server.stderr.all().filter((line) => / (get|set) /.test(line));
      await poll(() => told().length > 1 || undefined, () => "both gets");
      assertEquals(told().map((line) => line.replace(/^<\d+ /, "")), [
        "get a",
        "get a",
      ]);
    },
  );

  testWith(
    transparent,
    `egress, ${family}: a policy is enforced on what a workload opens`,
    async ({ namespaces, nft, memcached, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { workload, server } = hosts;
      const address = server.address[family];
      await startMemcached(memcached, server, [ANY[family]]);
      await applied(workload, nft, "--ports 11211 --direction egress");
      await using sidecar = await HostSidecar.start(workload, {
        endpoint: { name: "client-0", labels: MONITORING },
        listeners: EGRESS,
        identities: identities(server.address, SERVED),
      }, [policy("guard", MONITORING, "egress", SERVED, ["get"])]);

      const { text, from } = await talk(
        python,
        workload,
        [address, 11211],
        REQUESTS,
      );
      assertEquals(text, ANSWERS);
      const way = `egress ${from} ${at(address, 11211)}`;
      assertEquals(await requests(sidecar), [
        `forwarded ${way} get`,
        `denied ${way} set`,
        `forwarded ${way} get`,
      ]);
    },
  );

  testWith(
    transparent,
    `${family}: a connection that was not redirected is refused, and not looped`,
    async ({ namespaces, nft, memcached, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload } = hosts;
      const address = workload.address[family];
      const server = await startMemcached(memcached, workload, [ANY[family]]);
      await applied(workload, nft, "--ports 11211 --direction both");
      await using sidecar = await HostSidecar.start(workload, {
        endpoint: { name: "memcached-0", labels: SERVED },
        listeners: [INGRESS, ...EGRESS],
      }, []);
      const loopback = family === "v4" ? "127.0.0.1" : "::1";
      const ways = [
        [client, address, 15006],
        [workload, loopback, 15001],
        [workload, loopback, 15006],
      ] as const;
      const before = server.stderr.length;
      for (const [from, host, port] of ways) {
        const { text, error } = await talk(
          python,
          from,
          [host, port],
          "get a\r\n",
        );
        // Closed or reset before a byte came.
        assertMatch(
          error ?? text!,
          /^(|ECONNRESET|ECONNREFUSED|EPIPE|ENOTCONN)$/,
        );
      }
      // Redirected ones still are served, and are the only ones that came through.
      const { text } = await talk(
        python,
        client,
        [address, 11211],
        "get a\r\n",
      );
      assertEquals(text, "END\r\n");
      const opened = () =>
        server.stderr.all(before).filter((line) =>
          / new .*connection$/.test(line)
        ).length;
      await poll(() => opened() > 0 || undefined, () => "connection");
      assertEquals(opened(), 1);
      const connections = await sidecar.log.lines({ type: "connection" });
      const ids = new Set(connections.map(({ connection }) => connection));
      assertEquals(
        ids.size <= ways.length + 1,
        true,
        "a refused connection came again",
      );
    },
  );
}
