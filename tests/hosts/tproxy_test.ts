/** What the table of `parley redirect --tproxy` takes, and with which addresses. */
import {
  deepStrictEqual as assertEquals,
  notDeepStrictEqual as assertDiffers,
} from "node:assert/strict";
import { testWith } from "../setup/mod.ts";
import { Hosts } from "./hosts.ts";
import { applied } from "./parley.ts";
import { hostTools } from "./programs.ts";
import { at, dial, Witness } from "./witness.ts";

const needs = await hostTools();

/** Both families of a machine. */
const FAMILIES = ["v4", "v6"] as const;
const ANY = { v4: "0.0.0.0", v6: "::" } as const;

/** A sidecar's user, who may hold others' addresses. */
const SIDECAR = { uid: 1337, capability: "net_admin" } as const;

for (const family of FAMILIES) {
  testWith(
    needs,
    `TPROXY, ${family}: what is routed through is taken, with both addresses`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload, server } = hosts;
      await applied(workload, nft, "--ports 11211 --tproxy");
      const address = server.address[family];
      const proxy = await Witness.start(
        python,
        workload,
        [ANY[family], 15006],
        "relay",
      );
      const app = await Witness.start(python, server, [ANY[family], 11211]);
      const taken = await dial(python, client, [address, 11211]);
      assertEquals(taken.text, "witness 11211");
      const { peer, local } = await proxy.next();
      assertEquals([peer, local], [taken.from, at(address, 11211)]);
      // The server sees the client's own address, on a connection of the proxy's.
      const seen = (await app.next()).peer;
      const host = (text: string) => text.slice(0, text.lastIndexOf(":"));
      assertEquals(host(seen), host(taken.from!));
      assertDiffers(seen, taken.from);

      // The proxy's listener has no claim on others' connections to the same number.
      await Witness.start(python, server, [ANY[family], 15006]);
      const same = await dial(python, client, [address, 15006]);
      assertEquals([same.text, proxy.rest], ["witness 15006", []]);
    },
  );

  testWith(
    needs,
    `TPROXY, ${family}: a workload beside the proxy sees the client's address`,
    async ({ namespaces, nft, python }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload } = hosts;
      await applied(workload, nft, "--ports 11211 --tproxy");
      const address = workload.address[family];
      const proxy = await Witness.start(
        python,
        workload,
        [ANY[family], 15006],
        "relay",
        SIDECAR,
      );
      const app = await Witness.start(python, workload, [ANY[family], 11211]);
      const taken = await dial(python, client, [address, 11211]);
      assertEquals(taken.text, "witness 11211");
      assertEquals((await proxy.next()).peer, taken.from);
      const host = (text: string) => text.slice(0, text.lastIndexOf(":"));
      assertEquals(host((await app.next()).peer), host(taken.from!));
    },
  );
}
