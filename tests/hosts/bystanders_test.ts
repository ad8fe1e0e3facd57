/** What gets round the redirection, as `redirect apply` finds it. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { testWith } from "../setup/mod.ts";
import { Hosts } from "./hosts.ts";
import { applied, redirect } from "./parley.ts";
import { hostTools } from "./programs.ts";
import { Witness } from "./witness.ts";

const needs = await hostTools();

testWith(
  needs,
  "apply finds another process under the sidecar's user, and fails",
  async ({ namespaces, nft, python }) => {
    await using hosts = await Hosts.start(namespaces);
    const { workload } = hosts;
    const user = { uid: 4711 };
    await Witness.start(python, workload, ["::", 15006], "tcp", user);
    const { process } = await Witness.start(
      python,
      workload,
      ["127.0.0.1", 4000],
      "tcp",
      user,
    );
    const { code, stdout, stderr } = await redirect(
      workload,
      nft,
      "apply --ports 11211 --uid 4711",
    );
    assertEquals(code, 1);
    assertMatch(
      stdout,
      new RegExp(
        `^failed: python\\S* \\(pid ${process.pid}\\) runs under uid 4711, whose connections pass by`,
        "m",
      ),
    );
    assertMatch(stderr, /in force, but does not do what it should/);
  },
);

testWith(
  needs,
  "apply minds no process of another machine under the sidecar's user",
  async ({ namespaces, nft, python }) => {
    await using hosts = await Hosts.start(namespaces);
    const { client, workload } = hosts;
    const user = { uid: 4711 };
    await Witness.start(python, client, ["127.0.0.1", 4000], "tcp", user);
    const said = await applied(workload, nft, "--ports 11211 --uid 4711");
    assertMatch(said, /ok: no process but the sidecar's runs under uid 4711/);
  },
);

testWith(
  needs,
  "apply does not blame a sidecar that it may not look into",
  async ({ namespaces, nft, python }) => {
    await using hosts = await Hosts.start(namespaces);
    const { workload } = hosts;
    const user = { uid: 4711 };
    await Witness.start(python, workload, ["::", 15006], "tcp", user);
    const around = ["setpriv", "--bounding-set=-all,+net_admin"];
    const { code, stdout } = await redirect(
      workload,
      nft,
      "apply --ports 11211 --uid 4711",
      { around },
    );
    assertEquals(code, 0);
    assertMatch(
      stdout,
      /warning: python\S* \(pid \d+\) runs under uid 4711; not proven.*CAP_SYS_PTRACE/,
    );
  },
);

testWith(
  needs,
  "apply warns of a workload that listens beyond loopback",
  async ({ namespaces, nft, python }) => {
    await using hosts = await Hosts.start(namespaces);
    const { workload } = hosts;
    await Witness.start(python, workload, ["127.0.0.1", 11211]);
    await Witness.start(python, workload, ["::1", 11211]);
    await Witness.start(python, workload, ["0.0.0.0", 11300]);
    const narrow = await applied(workload, nft, "--ports 11211");
    assertMatch(
      narrow,
      /ok: no workload listens on these ports beyond loopback/,
    );
    const wide = await Witness.start(python, workload, ["10.81.2.1", 11211]);
    const said = await applied(workload, nft, "--ports 11211");
    assertEquals(said.match(/^warning: /gm)!.length, 1);
    assertMatch(
      said,
      new RegExp(
        `warning: python\\S* \\(pid ${wide.process.pid}\\) listens on 10\\.81\\.2\\.1:11211, beyond loopback`,
      ),
    );
  },
);
