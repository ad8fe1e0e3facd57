/** What the table of `parley redirect` takes, and what it leaves alone. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { testWith } from "../setup/mod.ts";
import type { Host } from "./host.ts";
import { Hosts } from "./hosts.ts";
import { applied, counter, redirect } from "./parley.ts";
import { hostTools } from "./programs.ts";
import { at, dial, Witness } from "./witness.ts";

const needs = await hostTools();

/** Both families of a machine. */
const FAMILIES = ["v4", "v6"] as const;
const ANY = { v4: "0.0.0.0", v6: "::" } as const;
const LOOPBACK = { v4: "127.0.0.1", v6: "::1" } as const;

for (const family of FAMILIES) {
  testWith(
    needs,
    `ingress, ${family}: a peer's connection is taken, with its destination`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload } = hosts;
      await applied(workload, nft, "--ports 11211");
      const address = workload.address[family];
      const sidecar = await Witness.start(python, workload, [
        ANY[family],
        15006,
      ]);
      const app = await Witness.start(python, workload, [ANY[family], 11211]);
      const other = await Witness.start(python, workload, [ANY[family], 11300]);

      const taken = await dial(python, client, [address, 11211]);
      assertEquals(taken.text, "witness 15006");
      const seen = await sidecar.next();
      assertEquals([seen.peer, seen.original], [
        taken.from,
        at(address, 11211),
      ]);
      // A port that is not named, and the workload's connections to itself.
      const free = await dial(python, client, [address, 11300]);
      assertEquals((await other.next()).peer, free.from);
      for (const own of [address, LOOPBACK[family]]) {
        const { text, from } = await dial(python, workload, [own, 11211]);
        assertEquals(text, "witness 11211");
        assertEquals((await app.next()).peer, from);
      }
      assertEquals(sidecar.rest, []);
    },
  );

  testWith(
    needs,
    `egress, ${family}: what a process opens is taken, but for the sidecar's user`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { workload, server } = hosts;
      await applied(workload, nft, "--ports 11211 --direction egress");
      const address = server.address[family];
      const sidecar = await Witness.start(python, workload, [
        LOOPBACK[family],
        15001,
      ]);
      const app = await Witness.start(python, server, [ANY[family], 11211]);
      const other = await Witness.start(python, server, [ANY[family], 11300]);

      const taken = await dial(python, workload, [address, 11211]);
      assertEquals(taken.text, "witness 15001");
      const seen = await sidecar.next();
      assertEquals([seen.peer, seen.original], [
        taken.from,
        at(address, 11211),
      ]);
      const own = await dial(python, workload, [address, 11211], { uid: 1337 });
      assertEquals([own.text, (await app.next()).peer], [
        "witness 11211",
        own.from,
      ]);
      const free = await dial(python, workload, [address, 11300]);
      assertEquals([free.text, (await other.next()).peer], [
        "witness 11300",
        free.from,
      ]);
      // What stays here is not egress.
      const beside = await Witness.start(python, workload, [
        ANY[family],
        11211,
      ]);
      for (const host of [workload.address[family], LOOPBACK[family]]) {
        const { text, from } = await dial(python, workload, [host, 11211]);
        assertEquals([text, (await beside.next()).peer], [
          "witness 11211",
          from,
        ]);
      }
      assertEquals(sidecar.rest, []);
    },
  );

  testWith(
    needs,
    `all, ${family}: every port but the excluded ones, both ways`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload, server } = hosts;
      await applied(
        workload,
        nft,
        "--ports all --exclude-ports 2222 --direction both",
      );
      const [here, there] = [workload.address[family], server.address[family]];
      await Witness.start(python, workload, [ANY[family], 15006]);
      await Witness.start(python, workload, [LOOPBACK[family], 15001]);
      await Witness.start(python, workload, [ANY[family], 2222]);
      await Witness.start(python, server, [ANY[family], 2222]);
      const texts = async (from: Host, address: string) => {
        const ports = [1, 2221, 2222, 2223, 65535];
        const dialled = ports.map((port) =>
          dial(python, from, [address, port])
        );
        return (await Promise.all(dialled)).map(({ text }) => text);
      };
      const expected = (to: number) =>
        [to, to, 2222, to, to].map((port) => `witness ${port}`);
      assertEquals(await texts(client, here), expected(15006));
      assertEquals(await texts(workload, there), expected(15001));
    },
  );

  testWith(
    needs,
    `${family}: UDP to the ports is dropped both ways, other UDP is not`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload, server } = hosts;
      await applied(workload, nft, "--ports 11211 --direction both");
      for (
        const [from, to] of [[client, workload], [workload, server]] as const
      ) {
        const address = to.address[family];
        const guarded = await Witness.start(
          python,
          to,
          [ANY[family], 11211],
          "udp",
        );
        const free = await Witness.start(
          python,
          to,
          [ANY[family], 11300],
          "udp",
        );
        const before = await counter(workload, nft, "udp_dropped");
        await dial(python, from, [address, 11211], { how: "udp" });
        // On one wire, what was sent first would have come first.
        await dial(python, from, [address, 11300], { how: "udp" });
        assertEquals((await free.next()).text, "hello");
        assertEquals(guarded.rest, []);
        assertEquals(await counter(workload, nft, "udp_dropped"), before + 1);
      }
    },
  );

  testWith(
    needs,
    `all, ${family}: UDP answers to what was asked come back, and the sidecar may ask`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { workload, server } = hosts;
      const name = [server.address[family], 53] as const;
      await Witness.start(python, server, [ANY[family], 53], "udp");
      const ask = async (uid?: number) =>
        (await dial(python, workload, name, {
          how: "udp-ask",
          ...(uid ? { uid } : {}),
        })).text ?? "nothing";
      await applied(workload, nft, "--ports all");
      assertEquals(await ask(), "witness");
      await applied(workload, nft, "--ports all --direction both");
      assertEquals([await ask(), await ask(1337)], ["nothing", "witness"]);
      // On loopback, everyone may.
      await Witness.start(python, workload, [LOOPBACK[family], 53], "udp");
      const own = [LOOPBACK[family], 53] as const;
      const { text } = await dial(python, workload, own, { how: "udp-ask" });
      assertEquals(text, "witness");
    },
  );

  testWith(
    needs,
    `${family}: where no sidecar listens, connections are refused`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload, server } = hosts;
      await Witness.start(python, workload, [ANY[family], 11211]);
      await Witness.start(python, server, [ANY[family], 11211]);
      const refused = { error: "ECONNREFUSED" };
      const ways = [
        ["--ports 11211 --direction both", client, workload],
        ["--ports 11211 --direction both", workload, server],
        ["--ports 11211 --tproxy", client, workload],
        ["--ports 11211 --tproxy", client, server],
      ] as const;
      for (const [options, from, to] of ways) {
        await applied(workload, nft, options);
        const address = to.address[family];
        assertEquals(await dial(python, from, [address, 11211]), refused);
      }
      await redirect(workload, nft, "remove");
      const { text } = await dial(python, client, [
        server.address[family],
        11211,
      ]);
      assertEquals(text, "witness 11211");
    },
  );

  testWith(
    needs,
    `NAT, ${family}: what is only routed through is left alone`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload, server } = hosts;
      await applied(workload, nft, "--ports 11211 --direction both");
      const sidecar = await Witness.start(python, workload, [
        ANY[family],
        15006,
      ]);
      await Witness.start(python, server, [ANY[family], 11211]);
      const { text } = await dial(python, client, [
        server.address[family],
        11211,
      ]);
      assertEquals([text, sidecar.rest], ["witness 11211", []]);
    },
  );
}
