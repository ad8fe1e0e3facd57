/** Commands over TCP and TLS, and what the probes say. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { ignore, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { testWith } from "../setup/mod.ts";
import { missing, onPath, output, type Tool } from "../setup/tool.ts";
import {
  LISTENING,
  originOf,
  overSocket,
  overTcp,
  TOKEN,
  writeToken,
} from "./client.ts";

function config(server: LineServer, admin: object = LISTENING) {
  return { admin, listeners: [{ name: "a", upstream: server.address }] };
}

Deno.test({
  name: "commands speak over TCP; what changes something takes --token-file",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({ config: config(server) });
    await writeToken(parley);
    const admin = ["--admin", await originOf(parley)];
    const token = ["--token-file", `${parley.folder}/token`];
    const status = await parley.run("status", ...admin);
    assertEquals(status.code, 0, status.err);
    assertMatch(status.out, /^ready\nWHAT +NAME +STATE +SINCE +WHY\n/);
    assertMatch(status.out, /^listener +a +up +- +127\.0\.0\.1:\d+$/m);
    const json = JSON.parse(
      (await parley.run("status", "--json", ...admin)).out,
    );
    assertEquals(json.ready, true);
    const list = await parley.run("connections", "list", ...admin);
    assertEquals(list.code, 0, list.err);
    const refused = await parley.run("parsers", "reload", ...admin);
    assertEquals(refused.code, 1);
    assertMatch(refused.err, /changing takes a token; show .* --token-file/);
    const done = await parley.run("parsers", "reload", ...admin, ...token);
    assertEquals(done.code, 0, done.err);

    const both = await parley.run("status", ...admin, "--socket", "x");
    assertEquals(both.code, 2);
    const none = await parley.run("status", "--admin", "127.0.0.1:9901");
    assertEquals(none.code, 2);
    assertMatch(none.err, /write http:\/\/HOST:PORT/);
    const alone = await parley.run("status", ...token);
    assertEquals(alone.code, 2);
  },
});

Deno.test({
  name:
    "/readyz says why the sidecar is not ready, and status what is not as it is meant",
  ignore,
  async fn() {
    await using server = new LineServer();
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    await using parley = await Parley.start({
      config: { ...config(server), limits: { drain: "1m" } },
    });
    const origin = await originOf(parley);
    const ready = await overTcp(origin, "/readyz");
    assertEquals([ready.status, ready.text], [200, "ready\n"]);
    const before = config(server).listeners;
    await parley.configure({
      ...config(server),
      limits: { drain: "1m" },
      listeners: [...before, {
        name: "b",
        upstream: server.address,
        listen: `127.0.0.1:${port}`,
      }],
    });
    parley.signal("SIGHUP");
    const down = await poll(async () => {
      const told = await overTcp(origin, "/readyz");
      return /in use/.test(told.text) ? told : undefined;
    }, () => "reason of /readyz");
    assertEquals(down.status, 503);
    assertMatch(down.json.reasons[0], /^listener b is down: .*in use/);
    assertEquals((await overTcp(origin, "/healthz")).status, 200);
    const status = await parley.run("status");
    assertEquals(status.code, 1);
    assertMatch(status.out, /^not ready: listener b is down/);

    await parley.configure({ ...config(server), limits: { drain: "1m" } });
    parley.signal("SIGHUP");
    await poll(async () => {
      const { status } = await overTcp(origin, "/readyz");
      return status === 200 ? true : undefined;
    }, () => "200 of /readyz");

    const wire = await parley.connect("a");
    assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
    parley.signal("SIGTERM");
    await parley.until(/may finish/);
    const stopping = await overSocket(parley.adminSocket, "/readyz");
    assertEquals(stopping.status, 503);
    assertMatch(stopping.json.detail, /^the sidecar is stopping; /);
    wire.close();
    assertEquals((await parley.ended()).code, 0);
  },
});

Deno.test({
  name:
    "the configuration is shown with its defaults, and without what is secret",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        ...config(server),
        parsers: { config: { memcache: { password: "planted-secret" } } },
      },
    });
    await writeToken(parley);
    const { status, json, text } = await overSocket(
      parley.adminSocket,
      "/v1/config",
    );
    assertEquals(status, 200);
    assertEquals(json.limits.parserTime, 20);
    assertEquals(json.parsers.config, { memcache: { password: "(hidden)" } });
    for (const secret of ["planted-secret", TOKEN]) {
      assertEquals(text.includes(secret), false);
    }
  },
});

const openssl = onPath("openssl");
const tool: Tool | ReturnType<typeof missing> = openssl && !ignore
  ? { kind: "tool", command: openssl, env: {} }
  : missing("openssl is not on PATH");

testWith(
  { openssl: tool },
  "over TLS; another certificate is used as soon as it is written, a broken one never",
  async ({ openssl: { command } }) => {
    await using server = new LineServer();
    const folder = await Deno.makeTempDir();
    try {
      const renew = (name: string) =>
        output(command, [
          ...["req", "-x509", "-newkey", "ec", "-pkeyopt"],
          ...["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
          ...[
            "-keyout",
            `${folder}/${name}.key`,
            "-out",
            `${folder}/${name}.crt`,
          ],
          ...[
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
          ],
        ]);
      await renew("tls");
      const tls = { cert: `${folder}/tls.crt`, key: `${folder}/tls.key` };
      await using parley = await Parley.start({
        config: config(server, { ...LISTENING, tls }),
      });
      await writeToken(parley);
      const status = async (ca: string) => {
        const { port } = new URL(
          (await parley.said.all()).findLast((line) =>
            /admin API at/.test(line)
          )!.match(/https:[^"]+/)![0],
        );
        return await parley.run(
          ...["status", "--admin", `https://localhost:${port}`],
          ...["--ca-file", ca],
        );
      };
      await originOf(parley);
      const first = await status(tls.cert);
      assertEquals(first.code, 0, first.err);

      let from = parley.said.length;
      await Deno.writeTextFile(tls.cert, "no certificate");
      await parley.until(/certificate of the admin API stays as it was/, from);

      await renew("other");
      assertEquals((await status(`${folder}/other.crt`)).code, 1);
      from = parley.said.length;
      await Deno.rename(`${folder}/other.key`, tls.key);
      await Deno.copyFile(`${folder}/other.crt`, tls.cert);
      await originOf(parley, from);
      const second = await status(`${folder}/other.crt`);
      assertEquals(second.code, 0, second.err);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
