/** The whole sidecar, on real ports and files: what it refuses, what it follows, how it ends. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import { ParleyError } from "parley/proxylib";
import { descriptors, noneLeft, Upstream } from "./transport/harness_test.ts";
import { DENY, Field, PASS, READ_ONLY } from "./sidecar_field_test.ts";

/** A parser under another name. */
const MINE = `export { default } from "${new URL(
  "../parsers/r2d2.ts",
  import.meta.url,
)}";\n`;

function test(name: string, run: (field: Field) => Promise<void>): void {
  Deno.test(name, async () => {
    await using field = await Field.make();
    await run(field);
  });
}

/** The error that a start must end with. */
async function refusedStart(field: Field, more = ""): Promise<ParleyError> {
  let found: unknown;
  await assertRejects(field.start(more), (error) => {
    found = error;
    return true;
  });
  assert(found instanceof ParleyError, String(found));
  assert(!await field.listens(), "a port was left open");
  return found;
}

test("a sidecar passes, judges and logs", async (field) => {
  await field.write("policies/p.yaml", READ_ONLY);
  const sidecar = await field.start();
  using client = await field.connect();
  const server = await field.upstream.take();
  await client.send("READ a\r\nHALT\r\n");
  assertEquals(await server.read(8), "READ a\r\n");
  await server.send("ok\r\n");
  assertEquals(await client.read(11), "ok\r\nERROR\r\n");
  assertEquals(sidecar.connections, 1);
  await client.shut();
  await server.shut();
  await field.drain();
  assertEquals(sidecar.connections, 0);
  assertEquals(await field.log(), [
    "request forwarded -",
    "request denied no-rule",
    "connection forwarded -",
  ]);
});

test("a peer that the policy denies is refused before the upstream is dialled", async (field) => {
  await field.write("policies/p.yaml", DENY);
  await field.start();
  using client = await field.connect();
  assertEquals(await client.rest(), "");
  await field.drain();
  assertEquals(await field.log(), [
    "connection denied no-rule", // at open
    "connection denied no-rule", // at close
  ]);
});

test("a policy in audit mode denies nothing, and logs as much as it would deny", async (field) => {
  const annotated = READ_ONLY.replace(
    "name: droid",
    "name: droid, annotations: { parley.dev/mode: audit }",
  );
  await field.write("policies/p.yaml", annotated);
  await field.start();
  using client = await field.connect();
  const server = await field.upstream.take();
  await client.send("READ a\r\nHALT\r\nWRITE b\r\n");
  assertEquals(await server.read(23), "READ a\r\nHALT\r\nWRITE b\r\n");
  await client.shut();
  await server.shut();
  await field.drain();
  assertEquals(await field.log(), [
    "request forwarded -",
    "request audit no-rule",
    "request audit no-rule",
    "connection forwarded -",
  ]);
});

test("a peer is who the cluster's stream says, and what is gone is gone for open connections too", async (field) => {
  const pilots = PASS.replace(
    "fromEntities: [ all ]",
    "fromEndpoints: [ { matchLabels: { role: pilot } } ]",
  );
  await field.write("policies/p.yaml", pilots);
  const pilot =
    '{"event":"identity","cidr":"127.0.0.1","labels":{"role":"pilot"}}\n';
  await field.write("cluster.jsonl", `${pilot}{"event":"synced"}\n`);
  await field.start("", "cluster: { stream: cluster.jsonl }");
  assertEquals(field.said(/^identities: stream .*: live/).length, 1);
  using client = await field.connect();
  const server = await field.upstream.take();
  await client.send("READ a\r\n");
  assertEquals(await server.read(8), "READ a\r\n");
  const lost = field.told(/: stale, .*; what was known before counts$/);
  await field.write("cluster.jsonl", "half of it");
  await lost; // too short to be the same file, and it has not said all
  await client.send("READ b\r\n");
  assertEquals(await server.read(8), "READ b\r\n");
  await field.write("cluster.jsonl", '{"event":"synced"}\n');
  assertEquals(await client.rest(), "");
  await server.shut();
  await field.drain();
  assertEquals(
    (await field.log()).slice(-2),
    ["connection denied no-rule", "connection denied no-rule"],
  );
});

test("a broken policy is no start, and no port stays open", async (field) => {
  await field.write("policies/p.yaml", READ_ONLY.replace("spec:", "spek:"));
  const before = descriptors();
  const error = await refusedStart(field);
  assertMatch(error.message, /p\.yaml:\d+:\d+: /);
  await noneLeft(before);
});

test("a policy path that is not there is no start", async (field) => {
  await Deno.remove(`${field.folder}/policies`, { recursive: true });
  const error = await refusedStart(field);
  assertMatch(error.fault.where, /policies$/);
});

for (
  const { l7proto, mend } of [
    { l7proto: "r2d22", mend: /^write "r2d2"/ },
    { l7proto: "memcached", mend: /^write "memcache"/ },
    { l7proto: "klingon", mend: /^use .*memcache.* or r2d2$/ },
  ]
) {
  test(`a listener that wants ${l7proto} read is no start, and the message helps`, async (field) => {
    field.l7proto = l7proto;
    const error = await refusedStart(field);
    assertMatch(error.fault.found, new RegExp(`"${l7proto}"`));
    assertMatch(error.fault.mend, mend);
    assertMatch(error.fault.where, /droid/);
  });
}

test("an address in use is no start, and the listeners before it are closed", async (field) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const error = await refusedStart(
    field,
    `- { name: other, listen: "127.0.0.1:${port}", upstream: "127.0.0.1:1" }`,
  );
  assertEquals(error.fault.where, `127.0.0.1:${port}`);
});

test("an access log that cannot be written is no start", async (field) => {
  field.accessLog = "nowhere/access.log";
  const error = await refusedStart(field);
  assertMatch(error.fault.where, /nowhere\/access\.log$/);
});

test("a broken parser of one's own is reported, and others serve", async (field) => {
  await field.write("parsers/mine.ts", "export default {};\n");
  await field.start();
  assertEquals(field.warned(/mine\.ts/).length, 1);
  using client = await field.connect();
  const server = await field.upstream.take();
  await client.send("READ a\r\n");
  assertEquals(await server.read(8), "READ a\r\n");
});

test("a changed policy folder is in force without a restart, also for the connections that are open", async (field) => {
  await field.write("policies/p.yaml", PASS);
  await field.start();
  using client = await field.connect();
  const server = await field.upstream.take();
  await client.send("HALT\r\n");
  assertEquals(await server.read(6), "HALT\r\n");
  await server.send("ok\r\n");
  assertEquals(await client.read(4), "ok\r\n");

  const told = field.told(/policy version \d+ is in force/);
  await field.save("policies/p.yaml", READ_ONLY);
  await told;
  await client.send("HALT\r\n");
  assertEquals(await client.read(7), "ERROR\r\n");

  const toldAgain = field.told(/policy version \d+ is in force/);
  await field.save("policies/p.yaml", DENY);
  await toldAgain;
  assertEquals(await client.rest(), "");
});

test("a document that breaks while it runs keeps its last good version", async (field) => {
  await field.write("policies/p.yaml", READ_ONLY);
  await field.start();
  const told = field.told(/p\.yaml:\d+:\d+/);
  await field.save("policies/p.yaml", READ_ONLY.replace("spec:", "spek:"));
  await told;
  using client = await field.connect();
  await field.upstream.take();
  await client.send("HALT\r\n");
  assertEquals(await client.read(7), "ERROR\r\n");
});

test("a parser that is saved serves new connections and open ones", async (field) => {
  const source = await Deno.readTextFile(
    new URL("../parsers/r2d2.ts", import.meta.url),
  );
  await field.start();
  await field.write("policies/p.yaml", READ_ONLY);
  await field.sidecar.reload();
  using early = await field.connect();
  await field.upstream.take();
  const told = field.told(/parser r2d2@\w+ serves new connections/);
  await field.save(
    "parsers/r2d2.ts",
    source.replace("ERROR\\r\\n", "NEVER\\r\\n"),
  );
  await told;
  using late = await field.connect();
  await field.upstream.take();
  for (const client of [early, late]) {
    await client.send("HALT\r\n");
    assertEquals(await client.read(7), "NEVER\r\n");
  }
});

test("reloads that are asked for at once are made one by one", async (field) => {
  const sidecar = await field.start();
  await field.write("policies/p.yaml", READ_ONLY);
  await field.write("parsers/mine.ts", MINE);
  await Promise.all([sidecar.reload(), sidecar.reload(), sidecar.reload()]);
  assertEquals(field.said(/parser mine@\w+ serves/).length, 1);
  assertEquals(field.said(/policy version \d+ is in force/).length, 1);
});

test("the access log is reopened after a rotation", async (field) => {
  await field.write("policies/p.yaml", DENY);
  const sidecar = await field.start();
  await field.visit();
  await field.logged(2);
  await Deno.rename(
    `${field.folder}/access.log`,
    `${field.folder}/access.log.1`,
  );
  sidecar.reopenLog();
  await field.visit();
  await field.drain();
  assertEquals((await field.log()).length, 2);
  assertEquals((await field.log("access.log.1")).length, 2);
});

test("connections past the limit are refused, and logged", async (field) => {
  await field.start("", "limits: { connections: 1 }");
  using first = await field.connect();
  const server = await field.upstream.take();
  using second = await field.connect();
  assertEquals(await second.rest(), "");
  await first.shut();
  await server.shut();
  assertEquals(await first.rest(), "");
  await field.drain();
  assertEquals(await field.log(), [
    "connection denied limit",
    "connection denied limit",
    "connection forwarded -",
  ]);
});

test("drain lets a connection finish, and takes no new one", async (field) => {
  await field.start();
  using client = await field.connect();
  const server = await field.upstream.take();
  const drained = field.drain();
  assert(!await field.listens());
  await client.send("READ a\r\n");
  assertEquals(await server.read(8), "READ a\r\n");
  await client.shut();
  await server.shut();
  await drained;
  assertEquals(field.warned(/limits\.drain/), []);
  assertEquals(await field.log(), [
    "request forwarded -",
    "connection forwarded -",
  ]);
});

test("drain closes what is open past its limit", async (field) => {
  await field.start("", "limits: { drain: 50ms }");
  using client = await field.connect();
  await field.upstream.take();
  await field.drain();
  assertEquals(await client.rest().catch(() => ""), "");
  assertEquals(field.warned(/1 connections were still open/).length, 1);
  assertEquals(await field.log(), ["connection forwarded -"]);
});

Deno.test({
  name:
    "a sidecar that has drained leaves no descriptor and no copy of a parser",
  ignore: Deno.build.os !== "linux", // descriptors are counted in /proc
  async fn() {
    const before = descriptors();
    {
      await using field = await Field.make();
      await field.start();
      using client = await field.connect();
      const server = await field.upstream.take();
      await client.send("READ a\r\n");
      client.conn.close();
      server.conn.close();
      await field.drain();
    }
    await noneLeft(before);
  },
});

Deno.test("an upstream on a Unix socket is dialled, and logged by its path", async () => {
  await using field = await Field.make();
  const path = `${field.folder}/up.sock`;
  using upstream = new Upstream({ path });
  field.target = `unix:${path}, port: 4040`;
  await field.start();
  using client = await field.connect();
  const server = await upstream.take();
  await client.send("READ a\r\n");
  assertEquals(await server.read(8), "READ a\r\n");
  await client.shut();
  await server.shut();
  await field.drain();
  const text = await Deno.readTextFile(`${field.folder}/access.log`);
  assertEquals(
    JSON.parse(text.split("\n")[0]!).destination.address,
    `unix:${path}`,
  );
});

test("a workload that no policy selects is said to be unguarded, at start and when its policy goes", async (field) => {
  await field.write("policies/p.yaml", DENY);
  const sidecar = await field.start();
  const said = () =>
    field.said(/no policy in force selects the workload/).length;
  assertEquals(said(), 0);
  await field.write("policies/p.yaml", "[]");
  await sidecar.reload();
  assertEquals(said(), 1);
  await field.drain();
});
