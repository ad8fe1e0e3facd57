/** A client that people use, before there is a sidecar and after: it keeps its address, and is not told. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import {
  memcachedServer,
  pymemcache,
  testWith,
  type Tool,
} from "../setup/mod.ts";
import type { Host } from "./host.ts";
import { Hosts } from "./hosts.ts";
import { applied } from "./parley.ts";
import { hostTools } from "./programs.ts";
import {
  HostSidecar,
  identities,
  INGRESS,
  MONITORING,
  policy,
  SERVED,
  startMemcached,
} from "./sidecar.ts";

const needs = {
  ...await hostTools(),
  memcached: await memcachedServer(),
  pymemcache: await pymemcache(),
};

/** Sets and gets a key; prints what came of each. */
const SCRIPT = `
import sys
from pymemcache import Client
client = Client((sys.argv[1], 11211), timeout=10)
def tried(call, *args, **options):
    try:
        print(call(*args, **options))
    except Exception as error:
        print(type(error).__name__, error)
tried(client.set, "a", "x", noreply=False)
tried(client.get, "a")
`;

async function use(
  { command, env }: Tool,
  host: Host,
  address: string,
): Promise<string[]> {
  const said = await host.output(command, ["-c", SCRIPT, address], { env });
  return said.trimEnd().split("\n");
}

for (const family of ["v4", "v6"] as const) {
  testWith(
    needs,
    `pymemcache, ${family}: a redirected client gets its answers, and denials as errors of its own`,
    async ({ namespaces, nft, memcached, pymemcache }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload } = hosts;
      const address = workload.address[family];
      await startMemcached(memcached, workload, [
        family === "v4" ? "0.0.0.0" : "::",
      ]);
      assertEquals(await use(pymemcache, client, address), ["True", "b'x'"]);

      await applied(workload, nft, "--ports 11211");
      await using _sidecar = await HostSidecar.start(workload, {
        endpoint: { name: "memcached-0", labels: SERVED },
        listeners: [INGRESS],
        identities: identities(client.address, MONITORING),
      }, [policy("guard", SERVED, "ingress", MONITORING, ["get"])]);
      const [set, get] = await use(pymemcache, client, address);
      assertMatch(set!, /^MemcacheClientError .*access denied/);
      assertEquals(get, "b'x'");
    },
  );
}
