/**
 * Pods as `kube/inject` makes them, run for real: init containers, the sidecar,
 * memcached, each under its own security context, and clients elsewhere.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { encode } from "../e2e/wire.ts";
import { testWith } from "../setup/mod.ts";
import { NotConnected, type Place } from "./place.ts";
import { MEMCACHED, missionPolicies, missionPolicy } from "./policies.ts";
import { status, tree } from "./processes.ts";
import type { RunningPod } from "./running_pod.ts";
import { identitiesOf, Stage, STAGE_NEEDS } from "./stage.ts";

const DENIED = "CLIENT_ERROR access denied\r\n";
const VALUE = (key: string) => `VALUE ${key} 0 1\r\nx\r\nEND\r\n`;
const PORTS = { "parley.dev/ports": "11211" };

const PARSER = new URL("../../examples/parsers/c3po.ts", import.meta.url);
/** A workload that says what it hears, line by line. */
const ECHO = {
  command: ["nc", "-ll", "-p", "1977", "-e", "cat"],
  readinessProbe: { tcpSocket: { port: 1977 } },
};
/** Who may say what to it. */
const DROID = JSON.stringify({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "droid" },
  spec: {
    endpointSelector: { matchLabels: { app: "memcached" } },
    ingress: [{
      fromEndpoints: [{ matchLabels: { app: "a-wing" } }],
      toPorts: [{
        ports: [{ port: "1977", protocol: "TCP" }],
        rules: { l7proto: "c3po", l7: [{ contains: "R2-D2" }] },
      }],
    }],
  },
});
/** It goes on until it is released. */
const HELD = {
  command: [
    "sh",
    "-c",
    "touch /tmp/stopping; until [ -e /tmp/released ]; do sleep 0.1; done",
  ],
};
const NOTHING = "0000000000000000";
/** What `/proc` says of each of the sidecar's processes. */
const SIDECAR = {
  ...{ Uid: "1337 1337 1337 1337", Gid: "1337 1337 1337 1337" },
  Groups: "1337",
  ...{ CapPrm: NOTHING, CapEff: NOTHING, CapBnd: NOTHING },
  ...{ Seccomp: "2", NoNewPrivs: "1" },
};

/** Requests on one connection; its replies. */
async function ask(
  place: Place,
  address: string,
  requests: readonly string[],
  port = 11211,
): Promise<string[]> {
  using wire = await place.connect(address, port);
  const replies: string[] = [];
  for (const request of requests) {
    const end = request.startsWith("get") ? /END\r\n$|denied\r\n$/ : /\r\n$/;
    await wire.send(request);
    let reply = "";
    while (!end.test(reply)) reply += await wire.readUntil("\r\n");
    replies.push(reply);
  }
  return replies;
}

const get = (key: string) => `get ${key}\r\n`;
const set = (key: string) => `set ${key} 0 0 1\r\nx\r\n`;

/** Commands that reached memcached, once it has told of so many. */
async function commands(pod: RunningPod, count: number): Promise<string[]> {
  const all = async () => {
    const said = await pod.logs("memcached");
    return said.flatMap((line) =>
      /^<\d+ ((?:get|set) .*)$/.exec(line)?.[1] ?? []
    ).map((command) => command.split(" ").slice(0, 2).join(" "));
  };
  return await poll(async () => {
    const commands = await all();
    return commands.length >= count ? commands : undefined;
  }, () => `${count} commands in the log of memcached`);
}

/** Waits for a line of the sidecar's. */
async function said(pod: RunningPod, text: string): Promise<string> {
  return await poll(async () => {
    const lines = await pod.logs("parley");
    return lines.find((line) => line.includes(text));
  }, () => `line with ${text}`);
}

testWith(
  { ...STAGE_NEEDS, policies: await missionPolicies() },
  "a real pod with memcached",
  async (tools, test) => {
    await using stage = await Stage.open(tools);
    const { node } = stage;
    const [fighter, tracker, stranger] = [
      await node.client(),
      await node.client(),
      await node.client(),
    ];
    const identities = [
      ...identitiesOf({ "a-wing": fighter }),
      ...identitiesOf({ "fleet-tracker": tracker }, "name"),
    ];

    await test.step("the mission's policy holds, and there is no other way in", async () => {
      await using pod = await node.run(
        stage.injected(
          stage.cache(
            { ...PORTS, "parley.dev/policies-configmap": "policies" },
            { labels: { app: "memcd-server" } },
          ),
          identities,
        ),
        { policies: await missionPolicy(MEMCACHED) },
      );
      for (const address of pod.addresses) {
        const [a, x] = ["awing-coord", "xwing-coord"];
        const asked = [set(a), get(a), get(x), set(x)];
        assertEquals(
          await ask(fighter, address, asked),
          ["STORED\r\n", VALUE(a), DENIED, DENIED],
        );
      }
      const { address } = pod;
      assertEquals(
        await ask(tracker, address, [
          get("awing-coord"),
          get("xwing-coord"),
          set("awing-coord"),
        ]),
        [VALUE("awing-coord"), "END\r\n", DENIED],
      );
      // Whom no identity names is the world, which no rule lets in.
      using refused = await stranger.connect(address, 11211);
      const asked = [encode(get("awing-coord"))];
      assertEquals((await refused.exchange(asked)).text, "");
      // The sidecar's own port leads nowhere.
      using around = await fighter.connect(address, 15006);
      assertEquals((await around.exchange(asked)).text, "");
      // What came before it has come by then.
      await ask(fighter, address, [set("awing-coord")]);
      assertEquals(await commands(pod, 7), [
        ...["set awing-coord", "get awing-coord"],
        ...["set awing-coord", "get awing-coord"],
        ...["get awing-coord", "get xwing-coord"],
        "set awing-coord",
      ]);
    });

    await test.step("a parser that is dropped into the ConfigMap serves the next connection", async () => {
      const parser = await Deno.readTextFile(PARSER);
      await using pod = await node.run(
        stage.injected(
          stage.cache({
            "parley.dev/ports": "1977",
            "parley.dev/parsers-configmap": "parsers",
            "parley.dev/policies-configmap": "policies",
          }, { container: ECHO }),
          identities,
        ),
        { parsers: {}, policies: {} },
      );
      const hear = async (line: string) => {
        using wire = await fighter.connect(pod.address, 1977);
        await wire.send(line);
        await wire.finish();
        return (await wire.readToEnd()).text;
      };
      await pod.change("parley-parsers", { "c3po.ts": parser });
      await said(pod, "parser c3po@");
      await pod.change("parley-policies", { "droid.json": DROID });
      const asked = "R2-D2, come in\nwho is there?\nR2-D2, bye\n";
      const hears = (text: string) =>
        poll(
          async () => await hear(asked) === text || undefined,
          () => `connection that hears ${text}`,
        );
      await hears("R2-D2, come in\nR2-D2, bye\n");
      // Another version of it, by another swap.
      await pod.change("parley-parsers", {
        "c3po.ts": parser.replace(
          `text.includes("C-3PO")`,
          `text.includes("bye")`,
        ),
      });
      await hears("R2-D2, come in\n");
    });

    await test.step("SIGTERM drains: what is under way is answered, the rest ends in time", async () => {
      await using pod = await node.run(
        stage.injected(
          stage.cache({ ...PORTS, "parley.dev/drain-seconds": "15" }),
          identities,
        ),
      );
      using busy = await fighter.connect(pod.address, 11211);
      using idle = await fighter.connect(pod.address, 11211);
      assertEquals(await idle.ask(get("a"), "END\r\n"), "END\r\n");
      await busy.send("set a 0 0 5\r\nhel");
      await said(pod, "listener ingress");
      await pod.signal("parley", "TERM");
      await said(pod, "SIGTERM: no new connections");
      await poll(
        () =>
          fighter.connect(pod.address, 11211).then((wire) => {
            wire.close();
            return undefined;
          }, () => true),
        () => "refused connection",
      );
      assertEquals(await busy.ask("lo\r\n", "\r\n"), "STORED\r\n");
      busy.close();
      assertEquals((await idle.readToEnd()).text, "");
      assertEquals(await pod.ended("parley"), 0);
    });

    await test.step("at the pod's end the sidecar serves until the workload has ended", async () => {
      await using pod = await node.run(
        stage.injected(
          stage.cache(PORTS, {
            container: { lifecycle: { preStop: { exec: HELD } } },
          }),
          identities,
        ),
      );
      using busy = await fighter.connect(pod.address, 11211);
      await busy.send("set a 0 0 5\r\nhel");
      const stopped = pod.stop();
      await poll(
        () =>
          pod.exec("memcached", "ls", "/tmp/stopping")
            .then(() => true, () => undefined),
        () => "preStop hook",
      );
      assertEquals(await busy.ask("lo\r\n", "\r\n"), "STORED\r\n");
      assertEquals(await ask(fighter, pod.address, [get("b")]), ["END\r\n"]);
      await pod.exec("memcached", "touch", "/tmp/released");
      assertEquals(await stopped, { memcached: 0, parley: 0 });
      const [app, sidecar] = [
        await pod.finishedAt("memcached"),
        await pod.finishedAt("parley"),
      ];
      assert(app < sidecar, `${app} is not before ${sidecar}`);
    });

    await test.step("a Job ends when its work is done", async () => {
      await using pod = await node.run(
        stage.injected(stage.cache({ "parley.dev/egress-ports": "11211" }, {
          spec: { restartPolicy: "Never" },
          container: {
            command: ["sh", "-c", "echo done"],
            readinessProbe: undefined,
          },
        })),
      );
      assertEquals(await pod.done(), { memcached: 0, parley: 0 });
      assertEquals(await pod.logs("memcached"), ["done"]);
    });

    await test.step("without NET_ADMIN the sidecar listens for a workload on loopback", async () => {
      const manifest = stage.injected(
        stage.cache({
          "parley.dev/ports": "11311:11211",
          "parley.dev/policies-configmap": "policies",
        }, {
          labels: { app: "memcd-server" },
          args: ["-l", "127.0.0.1"],
          container: {
            readinessProbe: {
              exec: { command: ["sh", "-c", "nc 127.0.0.1 11211 </dev/null"] },
            },
          },
        }),
        identities,
      );
      const added = (manifest.spec.initContainers ?? [])
        .flatMap(({ securityContext }) =>
          securityContext?.capabilities?.add ?? []
        );
      assertEquals(added, []);
      await using pod = await node.run(manifest, {
        policies: await missionPolicy(MEMCACHED),
      });
      assertEquals(
        await ask(
          fighter,
          pod.address,
          [set("awing-coord"), get("xwing-coord")],
          11311,
        ),
        ["STORED\r\n", DENIED],
      );
      await rejects(fighter.connect(pod.address, 11211), NotConnected);
    });

    await test.step("each container has the rights that its manifest gives it, and no more", async () => {
      await using pod = await node.run(
        stage.injected(stage.cache(PORTS), identities),
      );
      const processes = await tree(await pod.pid("parley"));
      assert(processes.length >= 2, "there is no worker");
      for (const pid of processes) {
        const { Uid, Gid, Groups, CapPrm, CapEff, CapBnd, ...rest } =
          await status(pid);
        assertEquals({
          ...{ Uid, Gid, Groups, CapPrm, CapEff, CapBnd },
          Seccomp: rest["Seccomp"],
          NoNewPrivs: rest["NoNewPrivs"],
        }, SIDECAR);
      }
      await rejects(pod.exec("parley", "touch", "/parley/x"), /Read-only/);
      await rejects(pod.exec("parley", "touch", "/deno-dir/x"), /Read-only/);
      await pod.exec("parley", "touch", "/tmp/x");
      assertEquals(await pod.capabilities("parley-redirect"), [
        ...["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SETUID"],
      ]);
      const workload = await pod.capabilities("memcached");
      assertEquals(workload.includes("CAP_NET_ADMIN"), false);
    });
  },
);
