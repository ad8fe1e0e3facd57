/** The admin socket of a running sidecar, and the commands that speak to it. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import type { Wire } from "../e2e/wire.ts";
import { ask } from "./admin_client.ts";
import { ignore, type Options, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, type Edition, PORT, words } from "./words.ts";

/** An edition that takes no connection over: those that are open stay where they are. */
function lasting(edition: Edition = {}): string {
  const head = "export default defineProtocol(";
  const kept = "const { restore: _, ...definition } = defineProtocol(";
  return `${words(edition).replace(head, kept)}export default definition;\n`;
}

function options(upstream: string, more: object = {}): Options {
  return {
    config: {
      policies: ["policies/"],
      listeners: [{ name: "a", upstream, port: PORT }],
      ...more,
    },
    parsers: { "words.ts": lasting() },
    policies: { "words.yaml": allowing("yes") },
  };
}

/** A connection on which a request has been answered. */
async function spoken(parley: Parley): Promise<Wire> {
  const wire = await parley.connect("a");
  assertEquals(await wire.ask("yes\n", "\n"), "yes\n");
  return wire;
}

/** Saves another edition, and waits until it serves; its version. */
async function serve(parley: Parley, edition: number): Promise<string> {
  const from = parley.said.length;
  await parley.saveParser("words.ts", lasting({ edition }));
  const line = await parley.until(/parser words@\w+ serves/, from);
  return /words@(\w+)/.exec(line)![1]!;
}

// deno-lint-ignore no-explicit-any -- JSON of the socket
async function stateOf(parley: Parley): Promise<any> {
  const { body } = await ask(parley.adminSocket, "GET", "/v1/parsers");
  return body.parsers.find(({ name }: { name: string }) => name === "words");
}

Deno.test({
  name:
    "parsers list: two versions while a connection lives on the old one, and why a newer one was refused",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      ...options(server.address, { data: { workers: 2 } }),
    });
    const first = (await stateOf(parley)).version;
    const old = await spoken(parley);
    const second = await serve(parley, 2);
    const young = await spoken(parley);
    const from = parley.said.length;
    await parley.saveParser("words.ts", "export default {{\n");
    await parley.until(/words\.ts:1:/, from);

    const { code, out } = await parley.run("parsers", "list", "--json");
    assertEquals(code, 1);
    const words = JSON.parse(out)
      .find(({ name }: { name: string }) => name === "words");
    // deno-lint-ignore no-explicit-any -- JSON of the command
    const [refused, serving, former] = words.versions as any[];
    assertEquals(words.versions.length, 3);
    assertEquals(words.version, second);
    assertEquals(
      [serving.version, serving.state, serving.connections],
      [second, "serving", 1],
    );
    assertEquals(
      [former.version, former.state, former.connections],
      [first, "former", 1],
    );
    assertEquals(refused.state, "refused");
    assertMatch(refused.refused, /words\.ts:1:/);
    for (const { version, hash, since } of words.versions) {
      assertMatch(hash, /^[0-9a-f]{64}$/);
      assert(hash.startsWith(version));
      assert(Date.now() - Date.parse(since) < 3_600_000);
    }

    const table = await parley.run("parsers", "list");
    assertMatch(table.out, /^NAME +VERSION +STATE +CONNECTIONS +PANICS/);
    assertMatch(table.out, new RegExp(`words +${first} +former +1 +0 `));
    assertMatch(table.out, /words +\w+ +refused +0 +0 .*words\.ts:1:/);

    old.close();
    young.close();
    await poll(async () => {
      const { versions } = await stateOf(parley);
      return versions.length === 2 ? true : undefined;
    }, () => "end of the version without connections");
  },
});

Deno.test({
  name: "panics are counted by version, also those of a worker that has died",
  ignore,
  async fn() {
    await using server = new LineServer();
    const started = options(server.address);
    await using parley = await Parley.start({
      ...started,
      parsers: {
        "words.ts": words({
          onRequest: 'if (word === "boo") throw new Error("boo");',
        }),
      },
    });
    const panics = async () => (await stateOf(parley)).versions[0].panics;
    for (let i = 0; i < 3; i++) {
      using wire = await parley.connect("a");
      await wire.send("boo\n");
      await wire.readToEnd();
    }
    await poll(
      async () => await panics() === 3 || undefined,
      () => "count of all panics",
    );
    const [worker] = await parley.freshWorkers(1);
    Deno.kill(worker!, "SIGKILL");
    await parley.until(/has taken its place/);
    assertEquals(await panics(), 3);
  },
});

Deno.test({
  name:
    "parsers reload stages a parser that looks unchanged, and reports what came of it",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    using wire = await spoken(parley);
    const { version, versions: [{ since }] } = await stateOf(parley);
    const good = await parley.run("parsers", "reload", "words");
    assertEquals(
      [good.code, good.out],
      [0, `words@${version} serves new connections\n`],
    );
    const { versions } = await stateOf(parley);
    assertEquals([versions.length, versions[0].connections], [1, 1]);
    assert(versions[0].since > since, "it was staged again");
    assertEquals(await wire.ask("yes\n", "\n"), "yes\n");

    await parley.saveParser("words.ts", "export default 1;\n");
    const bad = await parley.run("parsers", "reload", "words");
    assertEquals(bad.code, 1);
    assertMatch(bad.out, /^refused: .*words\.ts/);
    assertMatch(bad.out, new RegExp(`\nwords@${version} serves`));

    const all = await parley.run("parsers", "reload");
    assertEquals(all.code, 1);
    assertMatch(all.out, /^words@\w{6} serves new connections$/m);
    assertMatch(all.out, /^memcache@\w{6} is idle until a listener/m);

    const none = await parley.run("parsers", "reload", "wrods");
    assertEquals(none.code, 1);
    assertMatch(none.err, /no parser named wrods is there/);
  },
});

Deno.test({
  name: "connections list and close, by id and by version",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(
      options(server.address, { data: { workers: 2 } }),
    );
    const { version: first } = await stateOf(parley);
    const old = [await spoken(parley), await spoken(parley)];
    const second = await serve(parley, 2);
    const young = [await spoken(parley), await spoken(parley)];

    const { code, out } = await parley.run("connections", "list", "--json");
    assertEquals(code, 0);
    const { connections, total } = JSON.parse(out);
    assertEquals([connections.length, total], [4, 4]);
    const one = connections.find((
      { source }: { source: string },
    ) => source === young[0]!.address);
    const { id, ageMs, ...rest } = one;
    assert(Number.isSafeInteger(id) && ageMs >= 0);
    assertEquals(rest, {
      listener: "a",
      direction: "ingress",
      source: young[0]!.address,
      destination: server.address,
      l7proto: "words",
      parser: `words@${second}`,
      bytesForward: 4,
      bytesReply: 4,
    });
    const table = await parley.run("connections", "list");
    assertMatch(table.out, /^ID +LISTENER +DIRECTION +SOURCE/);
    assertMatch(
      table.out,
      new RegExp(`^${id} +a +ingress +${one.source} `, "m"),
    );

    const byId = await parley.run("connections", "close", String(id));
    assertEquals([byId.code, byId.out], [0, "closed 1 connection\n"]);
    assertEquals((await young[0]!.readToEnd()).text, "");
    const again = await parley.run("connections", "close", String(id));
    assertEquals(again.code, 1);
    assertMatch(again.err, new RegExp(`no connection ${id} is open`));

    const byVersion = await parley.run(
      ...["connections", "close", "--parser", `words@${first}`],
    );
    assertEquals([byVersion.code, byVersion.out], [
      0,
      "closed 2 connections\n",
    ]);
    for (const wire of old) assertEquals((await wire.readToEnd()).text, "");
    assertEquals(await young[1]!.ask("yes\n", "\n"), "yes\n");
    await poll(async () => {
      const ends = (await parley.log.lines({ type: "connection" }))
        .filter(({ fields }) => fields?.["end"] === "operator");
      return ends.length === 3 ? true : undefined;
    }, () => "log line of each that the operator ended");
    for (const wire of [...old, ...young]) wire.close();
  },
});

const WRONG: readonly {
  readonly args: readonly string[];
  readonly err: RegExp;
}[] = [
  { args: ["connections", "close"], err: /either the ID .* or --parser/ },
  { args: ["connections", "close", "x"], err: /"x" is no connection's ID/ },
  {
    args: ["connections", "close", "--parser", "words"],
    err: /no NAME@VERSION/,
  },
  {
    args: ["connections", "close", "1", "--parser", "words@aaaaaa"],
    err: /either the ID/,
  },
  {
    args: ["connections", "close", "1", "--source", "127.0.0.1"],
    err: /either the ID/,
  },
  {
    args: ["connections", "list", "--direction", "up"],
    err: /query\.direction: .*ingress/,
  },
  {
    args: ["connections", "close", "--direction", "up"],
    err: /^parley: body.*; send /,
  },
  { args: ["policies", "get", "A"], err: /"A" is no name of a policy; use/ },
  {
    args: ["policies", "put", "a", "/nowhere"],
    err: /cannot read \/nowhere: /,
  },
  {
    args: ["policies", "put", "a", "-", "--create", "--if-match", "x"],
    err: /--create is for a policy that is not there/,
  },
  {
    args: ["policies", "delete", "a", "--if-match", "a b"],
    err: /"a b" is no entity tag; parley policies list/,
  },
  {
    args: ["parsers", "list", "--socket", "x", "--folder", "y"],
    err: /--socket excludes --folder/,
  },
];

Deno.test({
  name: "commands used wrongly exit 2 and say how to use them",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    for (const { args, err } of WRONG) {
      const ran = await parley.run(...args);
      assertEquals(ran.code, 2, args.join(" "));
      assertMatch(ran.err, err);
    }
  },
});

Deno.test({
  name:
    "without a sidecar commands say where they looked; parsers list shows the folders; with two they name both",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    await using other = await Parley.start({
      ...options(server.address),
      environment: { XDG_RUNTIME_DIR: parley.folder },
    });
    const two = await parley.run("connections", "list");
    assertEquals(two.code, 2);
    for (const { pid } of [parley, other]) {
      assert(two.err.includes(`--socket ${parley.folder}/parley/${pid}.sock`));
    }
    const socket = `${parley.folder}/parley/${other.pid}.sock`;
    const named = await parley.run("connections", "list", "--socket", socket);
    assertEquals(named.code, 0);

    other.signal("SIGTERM");
    parley.signal("SIGTERM");
    await Promise.all([parley.ended(), other.ended()]);
    const none = await parley.run("connections", "list");
    assertEquals(none.code, 1);
    assert(none.err.includes(`${parley.folder}/parley`), none.err);
    const list = await parley.run("parsers", "list");
    assertEquals(list.code, 0);
    assertMatch(list.err, /no sidecar runs; these are the built-in parsers/);
    assertMatch(list.out, /^memcache +\w{6} +built in/m);
  },
});

Deno.test({
  name: "the portable sidecar has the same socket",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(
      options(server.address, { data: { transport: "portable" } }),
    );
    const { version } = await stateOf(parley);
    using wire = await spoken(parley);
    const second = await serve(parley, 2);
    assertEquals(
      (await stateOf(parley)).versions.map((one: Record<string, unknown>) => [
        one["version"],
        one["state"],
        one["connections"],
      ]),
      [[second, "serving", 0], [version, "former", 1]],
    );
    const reloaded = await parley.run("parsers", "reload", "words");
    assertEquals(
      [reloaded.code, reloaded.out],
      [0, `words@${second} serves new connections\n`],
    );
    const close = ["connections", "close", "--parser", `words@${version}`];
    assertEquals((await parley.run(...close)).out, "closed 1 connection\n");
    assertEquals((await wire.readToEnd()).text, "");
  },
});
