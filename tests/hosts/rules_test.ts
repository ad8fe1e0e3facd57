/** The table of `parley redirect` as such: what is there after apply, show and remove. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  notDeepStrictEqual as assertDiffers,
} from "node:assert/strict";
import { testWith, type Tool } from "../setup/mod.ts";
import type { Host } from "./host.ts";
import { Hosts } from "./hosts.ts";
import { applied, redirect, ruleset } from "./parley.ts";
import { hostTools } from "./programs.ts";

const needs = await hostTools();

/** Rules, and the routing beside them. */
async function everything(host: Host, nft: Tool): Promise<string[]> {
  const routing = ["-4", "-6"].flatMap((family) => [
    host.output("ip", [family, "rule"]),
    // A table that was never used is an error to `ip`.
    host.run("ip", [family, "route", "show", "table", "15006"])
      .then(({ stdout }) => stdout),
  ]);
  return [await ruleset(host, nft), ...await Promise.all(routing)];
}

const VARIANTS = [
  "--ports 11211",
  "--ports 9042,11211-11213 --direction both --uid 4711",
  "--ports all --exclude-ports 22,53 --direction egress",
  "--ports 9042 --egress-ports all --exclude-ports 53 --direction both --exclude-uids 5,6",
  "--ports 11211 --tproxy",
  "--ports all --tproxy --mark 0x77 --direction both",
];

for (const options of VARIANTS) {
  testWith(
    needs,
    `redirect ${options}: twice is once, remove leaves nothing`,
    async ({ namespaces, nft }) => {
      await using hosts = await Hosts.start(namespaces);
      const { workload } = hosts;
      await workload.output(nft.command, ["add table inet other"]);
      const before = await everything(workload, nft);
      await applied(workload, nft, options);
      const once = await everything(workload, nft);
      assertDiffers(once, before);
      await applied(workload, nft, options);
      assertEquals(await everything(workload, nft), once);
      for (let i = 0; i < 2; i++) {
        const { code, stderr } = await redirect(workload, nft, "remove");
        assertEquals([code, stderr], [0, ""]);
        assertEquals(await everything(workload, nft), before);
      }
    },
  );

  testWith(
    needs,
    `redirect ${options}: show prints what apply does`,
    async ({ namespaces, nft }) => {
      await using hosts = await Hosts.start(namespaces);
      const { client, workload } = hosts;
      await applied(workload, nft, options);
      const { stdout } = await redirect(client, nft, `show ${options}`);
      await client.output(nft.command, ["-f", "-"], { stdin: stdout });
      for (const [, line] of stdout.matchAll(/^# ip (.+)$/gm)) {
        await client.output("ip", line!.split(" "));
      }
      assertEquals(await ruleset(client, nft), await ruleset(workload, nft));
      const rules = (host: Host) => host.output("ip", ["rule"]);
      assertEquals(await rules(client), await rules(workload));
    },
  );
}

testWith(
  needs,
  "redirect apply replaces what another apply did",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const { workload } = hosts;
    await applied(workload, nft, "--ports 1-100");
    const wanted = await everything(workload, nft);
    await applied(workload, nft, "--ports 11211 --tproxy --direction both");
    await applied(workload, nft, "--ports 1-100");
    assertEquals(await everything(workload, nft), wanted);
  },
);

testWith(
  needs,
  "redirect apply without CAP_NET_ADMIN names the capability",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const around = [
      "setpriv",
      "--bounding-set=-net_admin",
      "--inh-caps=-net_admin",
    ];
    for (
      const line of ["apply --ports 1", "apply --ports 1 --tproxy", "remove"]
    ) {
      const { code, stderr } = await redirect(hosts.workload, nft, line, {
        around,
      });
      assertEquals(code, 1);
      assertMatch(stderr, /Operation not permitted.*capability CAP_NET_ADMIN/);
    }
  },
);

testWith(
  needs,
  "redirect apply without nft names the package; show needs none",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const env = { PATH: "/nowhere:/usr/sbin-only", NO_COLOR: "1" };
    const run = (line: string) => redirect(hosts.workload, nft, line, { env });
    for (const line of ["apply --ports 1", "remove"]) {
      const { code, stderr } = await run(line);
      assertEquals(code, 1);
      assertMatch(stderr, /Cannot run nft[^]*install the package nftables/);
    }
    const { code, stdout } = await run("show --ports 1");
    assertEquals(code, 0);
    assertMatch(stdout, /table inet parley \{/);
  },
);
