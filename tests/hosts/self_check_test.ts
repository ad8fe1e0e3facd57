/** What `redirect apply` finds out about what it has done: each finding, and how it fails. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Check } from "../../proxy/redirect/check.ts";
import { testWith, type Tool } from "../setup/mod.ts";
import type { Host } from "./host.ts";
import { Hosts } from "./hosts.ts";
import { applied, PERMISSIONS, redirect } from "./parley.ts";
import { hostTools } from "./programs.ts";
import { Witness } from "./witness.ts";

const needs = await hostTools();

const PROGRAM = fileURLToPath(
  new URL("self_check_program.ts", import.meta.url),
);
const BOTH = "--ports 11211 --direction both";
const OPTIONS = {
  ports: "11211",
  direction: "both",
  uid: "1337",
  to: "15001",
  ingressTo: "15006",
};

/** The findings about what is in force on a host, in the program's own words. */
async function findings(
  host: Host,
  nft: Tool,
  options: Partial<typeof OPTIONS> = {},
): Promise<string[]> {
  const folder = nft.command.slice(0, nft.command.lastIndexOf("/"));
  const path = `${folder}:${Deno.env.get("PATH")}`;
  const stdout = await host.output(
    Deno.execPath(),
    [
      ...["run", "-q", ...PERMISSIONS, PROGRAM],
      JSON.stringify({ ...OPTIONS, ...options }),
    ],
    { env: { PATH: path } },
  );
  const checks = JSON.parse(stdout) as Check[];
  return checks.map(({ outcome, text }) => `${outcome}: ${text}`);
}

function only(outcome: Check["outcome"], lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith(outcome));
}

testWith(
  needs,
  "apply proves all that it can, on a host with neighbours",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const said = await applied(hosts.workload, nft, BOTH);
    assertEquals(said.trimEnd().split("\n"), [
      "ok: egress, IPv4: a connection to 10.81.1.2:11211 is taken to 127.0.0.1:15001",
      "ok: egress, IPv4: the sidecar's own traffic (uid 1337) is left alone",
      "ok: egress, IPv6: a connection to [fd00:81:1::2]:11211 is taken to [::1]:15001",
      "ok: egress, IPv6: the sidecar's own traffic (uid 1337) is left alone",
      "ok: ingress, IPv4: a peer's connection to port 11211 is taken to port 15006",
      "ok: ingress, IPv6: a peer's connection to port 11211 is taken to port 15006",
      "ok: ingress: the sidecar's own traffic (uid 1337) to the workload is left alone",
      "ok: no process but the sidecar's runs under uid 1337",
      "ok: no workload listens on these ports beyond loopback",
    ]);
  },
);

testWith(
  needs,
  "apply probes an address that nobody has, where a route leads there",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const said = await applied(
      hosts.client,
      nft,
      "--ports 11211 --direction egress",
    );
    assertMatch(said, /IPv4: a connection to 192\.0\.2\.1:11211 is taken/);
    assertMatch(said, /IPv6: a connection to \[2001:db8::1\]:11211 is taken/);
  },
);

testWith(
  needs,
  "apply proves a redirection to a sidecar that runs",
  async ({ namespaces, nft, python }) => {
    await using hosts = await Hosts.start(namespaces);
    const { workload } = hosts;
    const user = { uid: 1337 };
    for (const host of ["127.0.0.1", "::1"]) {
      await Witness.start(python, workload, [host, 15001], "tcp", user);
    }
    const said = await applied(workload, nft, BOTH);
    assertMatch(
      said,
      /IPv4: a connection .* to 127\.0\.0\.1:15001, where a process listens/,
    );
    assertMatch(
      said,
      /IPv6: a connection .* to \[::1\]:15001, where a process listens/,
    );
    // It is under the uid, and nobody is told of it.
    assertMatch(said, /ok: no process but the sidecar's runs under uid 1337/);
  },
);

/** The rules as `apply` leaves them, and then broken by a command of nft. */
const BROKEN = [
  {
    name: "egress that is not taken",
    commands: ["flush chain inet parley egress"],
    failures: [
      /egress, IPv4: a connection to \S+ is not taken/,
      /egress, IPv6: a connection to \S+ is not taken/,
    ],
  },
  {
    name: "ingress that is not taken",
    commands: ["flush chain inet parley ingress"],
    failures: [
      /ingress, IPv4: a peer's connection to port 11211 is not taken/,
      /ingress, IPv6: a peer's connection to port 11211 is not taken/,
    ],
  },
  {
    name: "another table that takes connections first",
    commands: [
      "add table ip other",
      "add chain ip other output { type nat hook output priority -150; }",
      "add rule ip other output tcp dport 11211 redirect to :4000",
    ],
    failures: [/egress, IPv4: a connection to \S+ is not taken/],
  },
];

for (const { name, commands, failures } of BROKEN) {
  testWith(
    needs,
    `the self-check finds ${name}`,
    async ({ namespaces, nft }) => {
      await using hosts = await Hosts.start(namespaces);
      const { workload } = hosts;
      await applied(workload, nft, BOTH);
      for (const command of commands) {
        await workload.output(nft.command, [command]);
      }
      const found = only("failed", await findings(workload, nft));
      assertEquals(found.length, failures.length, found.join("\n"));
      for (const [i, line] of found.entries()) assertMatch(line, failures[i]!);
    },
  );
}

testWith(
  needs,
  "the self-check finds the sidecar's own traffic taken",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const { workload } = hosts;
    await applied(workload, nft, `${BOTH} --uid 1338`);
    const found = only(
      "failed",
      await findings(workload, nft, { uid: "1337" }),
    );
    assertEquals(found.length, 2, found.join("\n"));
    for (const line of found) {
      assertMatch(line, /the sidecar's own traffic \(uid 1337\) is taken too/);
    }
  },
);

testWith(
  needs,
  "apply says what it could not prove, and which right it lacked",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const around = ["setpriv", "--bounding-set=-all,+net_admin"];
    const { code, stdout, stderr } = await redirect(
      hosts.workload,
      nft,
      `apply ${BOTH}`,
      { around },
    );
    assertEquals([code, stderr], [0, ""]);
    const warnings = only("warning", stdout.split("\n")).join("\n");
    assertMatch(
      warnings,
      /egress, IPv4: the sidecar's own traffic .*not proven.*CAP_SETUID/,
    );
    assertMatch(
      warnings,
      /ingress: not proven: .*CAP_NET_RAW.*nft list counter/,
    );
  },
);

testWith(
  needs,
  "apply and remove do without IPv6 where it is switched off",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const { workload } = hosts;
    const setting = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
    await workload.output("sh", ["-c", `echo 1 > ${setting}`]);
    const said = await applied(workload, nft, `${BOTH} --tproxy`);
    assertEquals(only("ok", said.split("\n")).length, 6);
    assertEquals(/IPv6|warning/.test(said), false, said);
    assertEquals((await redirect(workload, nft, "remove")).code, 0);
  },
);

testWith(
  needs,
  "apply warns when names can no longer be looked up",
  async ({ namespaces, nft }) => {
    await using hosts = await Hosts.start(namespaces);
    const all = "--ports all --direction egress";
    assertMatch(
      await applied(hosts.client, nft, all),
      /warning: UDP to port 53 is dropped/,
    );
    const without = await applied(
      hosts.client,
      nft,
      `${all} --exclude-ports 53`,
    );
    assertEquals(only("warning", without.split("\n")), []);
  },
);
