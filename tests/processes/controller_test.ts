/** A sidecar under a controller: what it enforces, and how that follows what it is told. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import {
  Field,
  pod,
  policy,
  replica,
  smallCluster,
  sync,
} from "../../kube/controller/stream/testing.ts";
import type { SidecarStatus } from "../../proxy/administered.ts";
import { Lines } from "../e2e/lines.ts";
import { poll, within } from "../e2e/wait.ts";
import { freePort } from "../free_port.ts";
import { ask } from "./admin_client.ts";
import { ignore, type Options, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

const PORT = 80;
/** Whoever connects in these tests. */
const CLIENT = pod("client", { ips: ["127.0.0.1"] });
const FROM_CLIENT = policy({ app: "client" }, { port: `${PORT}` });

/** A controller of pod a, which CLIENT may reach. */
async function controller(): Promise<Field> {
  const cluster = sync(smallCluster());
  cluster.setPod(CLIENT);
  cluster.setPolicy(FROM_CLIENT);
  const field = await Field.open(cluster, { port: freePort() });
  await Deno.writeTextFile(`${field.folder}/token`, "token-of-a");
  return field;
}

function options({ url, folder }: Field, server: LineServer): Options {
  return {
    config: {
      controller: {
        url,
        tokenFile: `${folder}/token`,
        caFile: `${folder}/ca.pem`,
        stateFile: `${folder}/state`,
      },
      listeners: [{ name: "a", upstream: server.address, port: PORT }],
    },
  };
}

/** Whether a new connection is let through. */
async function isLetIn(parley: Parley): Promise<boolean> {
  using wire = await parley.connect("a");
  try {
    return await wire.ask("hello\n", "\n") === "hello\n";
  } catch {
    return false;
  }
}

function until(parley: Parley, expected: boolean): Promise<true> {
  return poll(
    async () => await isLetIn(parley) === expected || undefined,
    () => `connection that is ${expected ? "let in" : "refused"}`,
  );
}

async function status(parley: Parley): Promise<SidecarStatus> {
  return (await ask(parley.adminSocket, "GET", "/v1/status")).body;
}

Deno.test({
  name:
    "a sidecar enforces the policies that its controller tells, for the peers that it tells",
  ignore,
  async fn() {
    await using field = await controller();
    await using server = new LineServer();
    await using parley = await Parley.start(options(field, server));
    const { cluster } = field;
    assertEquals(await isLetIn(parley), true);

    cluster.setPod({ ...CLIENT, labels: { app: "somebody" } });
    await until(parley, false);
    cluster.setPod(CLIENT);
    await until(parley, true);

    // The workload itself is another one, for which there is no policy.
    cluster.setPolicy(policy({ app: "nobody" }, { port: `${PORT}` }));
    await until(parley, false);
    cluster.setPod(pod("a", { labels: { app: "other" } }));
    await until(parley, true);
    cluster.setPod(pod("a"));
    await until(parley, false);

    // Somebody inside the cluster is no stranger, whom this lets in.
    cluster.setPolicy({
      ...FROM_CLIENT,
      document: {
        spec: {
          endpointSelector: { matchLabels: { app: "a" } },
          ingress: [{ fromCIDR: ["127.0.0.0/8"] }],
        },
      },
    });
    await parley.until(/policy version [5-9] is in force/);
    assertEquals(await isLetIn(parley), false);
    cluster.deletePod(CLIENT);
    await until(parley, true);

    const { identities, policy: state } = await status(parley);
    assertMatch(identities.at(-1)!.name, /^controller https:/);
    assertEquals(identities.at(-1)!.state, "live");
    assertEquals(
      state.documents.map(({ file, status }) => [file, status]),
      [["controller: ParleyPolicy/default/in", "applied"]],
    );
  },
});

Deno.test({
  name:
    "a policy that a sidecar cannot enforce is reported, and the last good one is in force with all of its peers known",
  ignore,
  async fn() {
    await using field = await controller();
    await using server = new LineServer();
    await using parley = await Parley.start(options(field, server));
    assertEquals(await isLetIn(parley), true);
    // The controller knows no parsers, and asks for nobody by this one.
    field.cluster.setPolicy({
      ...FROM_CLIENT,
      document: {
        spec: {
          endpointSelector: { matchLabels: { app: "a" } },
          ingress: [{
            toPorts: [{
              ports: [{ port: `${PORT}`, protocol: "TCP" }],
              rules: { l7proto: "unheard-of", l7: [{}] },
            }],
          }],
        },
      },
    });
    await parley.until(/unheard-of/);
    assertEquals(await isLetIn(parley), true);
    // It follows who they are, though the controller does not know its policy.
    field.cluster.setPod({ ...CLIENT, labels: { app: "somebody" } });
    await until(parley, false);
    field.cluster.setPod(CLIENT);
    await until(parley, true);
    const { policy: { documents } } = await status(parley);
    assertEquals(documents.map(({ status }) => status), ["kept-last-good"]);
  },
});

Deno.test({
  name: "a sidecar goes on without its controller, and starts again without it",
  ignore,
  async fn() {
    await using field = await controller();
    await using server = new LineServer();
    {
      await using parley = await Parley.start(options(field, server));
      await field.hangUp();
      await parley.until(
        /controller .*: stale, .*what was known before counts/,
      );
      assertEquals(await isLetIn(parley), true);
      await poll(
        () => Deno.stat(`${field.folder}/state`).catch(() => undefined),
        () => "state file",
      );
    }
    await using parley = await Parley.start(options(field, server));
    assertEquals(await isLetIn(parley), true);
    const [source] = (await status(parley)).identities.slice(-1);
    assertEquals(source!.state, "stale");
    await field.listen(field.port);
    await parley.until(/controller .*: live/);
    field.cluster.setPod({ ...CLIENT, labels: { app: "somebody" } });
    await until(parley, false);
  },
});

Deno.test({
  name:
    "a deny stays in force when the sidecar comes to a replica that has not heard of it",
  ignore,
  async fn() {
    await using field = await controller();
    await using server = new LineServer();
    const behind = replica(sync(smallCluster()), "99");
    behind.cluster.setPod(CLIENT);
    behind.cluster.setPolicy(FROM_CLIENT);
    const ahead = replica(field.cluster, "100");
    await field.hangUp();
    await field.listen(field.port, ahead);
    await using parley = await Parley.start(options(field, server));
    assertEquals(await isLetIn(parley), true);

    ahead.follow("101");
    ahead.cluster.setPolicy(policy({ app: "nobody" }, { port: `${PORT}` }));
    await until(parley, false);
    await field.hangUp();
    await field.listen(field.port, behind);
    await parley.until(
      /: its state of pods is older than what was told before; what was known before counts/,
    );
    assertEquals(await isLetIn(parley), false);
    const [source] = (await status(parley)).identities.slice(-1);
    assertEquals(source!.state, "stale");

    behind.follow("102");
    await until(parley, true); // it was taken back
  },
});

Deno.test({
  name:
    "a sidecar that was never told anything lets nothing through, and ends when it is told to",
  ignore,
  async fn() {
    await using field = await controller();
    await using server = new LineServer();
    await field.hangUp();
    const { config } = options(field, server);
    const file = `${field.folder}/parley.yaml`;
    await Deno.writeTextFile(
      file,
      JSON.stringify({
        ...config,
        listeners: [{
          name: "a",
          upstream: "127.0.0.1:1",
          listen: "127.0.0.1:0",
        }],
      }),
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", "-P", "main.ts", "run", "-c", file],
      cwd: new URL("../../", import.meta.url),
      env: { NO_COLOR: "1", XDG_RUNTIME_DIR: field.folder },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const said = new Lines(child.stderr);
    await said.until(
      (line) => /: starting, never heard: /.test(line),
      "word of the controller",
    );
    child.kill("SIGTERM");
    const { code } = await within(
      child.status,
      () => "end",
      () => child.kill("SIGKILL"),
    );
    await said.done;
    assertEquals(code, 0, said.all().join("\n"));
    assertEquals(said.all().filter((line) => /listener a/.test(line)), []);
  },
});
