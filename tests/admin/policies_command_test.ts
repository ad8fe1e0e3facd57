/** `parley policies` and the filters of `parley connections`, over the Unix socket and over TCP. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { ignore, Parley, type Ran } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { allowing, PORT, words } from "../processes/words.ts";
import { LISTENING, originOf, writeToken } from "./client.ts";

function options(upstream: string) {
  return {
    config: {
      admin: LISTENING,
      policies: ["policies/"],
      listeners: [
        { name: "a", upstream, port: PORT },
        { name: "b", upstream, port: PORT },
      ],
    },
    parsers: { "words.ts": words() },
    policies: { "standing.json": named(allowing("standing"), "standing") },
  };
}

/** The same policy under another name. */
function named(text: string, name: string): string {
  const policy = JSON.parse(text);
  policy.metadata.name = name;
  return JSON.stringify(policy);
}

for (const way of ["the Unix socket", "TCP"] as const) {
  Deno.test({
    name: `policies are put in, listed, read, changed and deleted over ${way}`,
    ignore,
    async fn() {
      await using server = new LineServer();
      await using parley = await Parley.start(options(server.address));
      await writeToken(parley);
      const door = way === "TCP"
        ? [
          ...["--admin", await originOf(parley)],
          ...["--token-file", `${parley.folder}/token`],
        ]
        : [];
      const policies = (...args: string[]): Promise<Ran> =>
        parley.run("policies", ...args, ...door);
      const save = async (name: string, text: string) => {
        await Deno.writeTextFile(`${parley.folder}/${name}`, text);
        return `${parley.folder}/${name}`;
      };
      const one = await save("one", named(allowing("one"), "mine"));
      const two = await save("two", named(allowing("two"), "mine"));
      using wire = await parley.connect("a");

      const created = await policies("put", "mine", one, "--create");
      assertEquals(created.code, 0, created.err);
      const [, first] =
        /^created mine \((\w+)\): policy version \d+ is in force, with default\/mine\n$/
          .exec(created.out)!;
      assertEquals(await wire.ask("one\n", "\n"), "one\n");

      const there = await policies("put", "mine", two, "--create");
      assertEquals([there.code, there.out], [1, ""]);
      assertMatch(
        there.err,
        new RegExp(`^parley: nothing was changed: .* there as ${first}; see`),
      );
      const stale = await policies("put", "mine", two, "--if-match", "other");
      assertEquals([stale.code, stale.out], [1, ""]);
      assertMatch(
        stale.err,
        new RegExp(`change it with --if-match ${first}\n`),
      );

      const list = await policies("list");
      assertEquals(list.code, 0, list.err);
      assertMatch(list.out, /^NAME +ETAG +DOCUMENT +STATE +SINCE +FROM\n/);
      assertMatch(
        list.out,
        new RegExp(`^mine +${first} +default/mine +applied `, "m"),
      );
      assertMatch(list.out, /^- +- +default\/standing +applied /m);
      const { stored, policy } = JSON.parse(
        (await policies("list", "--json")).out,
      );
      assertEquals([stored.length, policy.documents.length], [1, 2]);

      const text = await Deno.readTextFile(one);
      assertEquals((await policies("get", "mine")).out, text);
      const read = JSON.parse((await policies("get", "mine", "--json")).out);
      assertEquals(read, { name: "mine", etag: `"${first}"`, text });

      // With the quotes of the entity tag, and without.
      const replaced = await policies(
        ...["put", "mine", two, "--json", "--if-match", read.etag],
      );
      assertEquals(replaced.code, 0, replaced.err);
      const { etag, documents } = JSON.parse(replaced.out);
      assertEquals(documents[0].id, "default/mine");
      assertEquals(await wire.ask("two\n", "\n"), "two\n");
      assert(await wire.ask("one\n", "\n") !== "one\n", "it is denied now");

      const wrong = await save("wrong", text.replace("spec", "specc"));
      const refused = await policies("put", "mine", wrong);
      assertEquals([refused.code, refused.out], [1, ""]);
      assertMatch(refused.err, /^\S*mine\.yaml:1:86: .*"specc".*\n$/m);
      assertEquals(await wire.ask("two\n", "\n"), "two\n");

      const kept = await policies("delete", "mine", "--if-match", first!);
      assertEquals(kept.code, 1);
      const deleted = await policies(
        ...["delete", "mine", "--if-match", JSON.parse(etag)],
      );
      assertEquals([deleted.code, deleted.out], [0, "deleted mine\n"]);
      const none = await policies("get", "mine");
      assertEquals(none.code, 1);
      assertMatch(
        none.err,
        /no policy named mine was put in; parley policies list shows/,
      );
      const nobody = await policies("put", "mine", one, "--if-match", "*");
      assertEquals(nobody.code, 1);
      assertMatch(nobody.err, /there is no policy mine: leave --if-match out/);
    },
  });
}

Deno.test({
  name: "over TCP no policy is changed without the token, and commands say so",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    await writeToken(parley);
    const admin = ["--admin", await originOf(parley)];
    const file = `${parley.folder}/policies/standing.json`;
    for (const args of [["put", "a", file], ["delete", "a"]]) {
      const ran = await parley.run("policies", ...args, ...admin);
      assertEquals(ran.code, 1);
      assertMatch(ran.err, /changing takes a token; show .* --token-file/);
    }
    const list = await parley.run("policies", "list", ...admin);
    assertEquals(list.code, 0, list.err);
  },
});

Deno.test({
  name: "connections are listed and closed by filters",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    const wires = [
      await parley.connect("a"),
      await parley.connect("a"),
      await parley.connect("b"),
    ];
    for (const wire of wires) await wire.ask("standing\n", "\n");
    const source = wires[0]!.address;
    const counts: readonly (readonly [number, ...string[]])[] = [
      [3],
      [3, "--direction", "ingress", "--source", "127.0.0.1"],
      [0, "--direction", "egress"],
      [2, "--listener", "a"],
      [1, "--source", source],
      [0, "--source", source, "--listener", "b"],
      [3, "--destination", server.address],
      [0, "--l7proto", "memcache"],
    ];
    for (const [count, ...filter] of counts) {
      const ran = await parley.run("connections", "list", "--json", ...filter);
      assertEquals(ran.code, 0, ran.err);
      const { total, connections } = JSON.parse(ran.out);
      assertEquals([total, connections.length], [count, count], `${filter}`);
    }
    const close = (...filter: string[]) =>
      parley.run("connections", "close", ...filter);
    assertEquals(
      (await close("--source", source)).out,
      "closed 1 connection\n",
    );
    const rest = await close("--listener", "a", "--json");
    assertEquals(JSON.parse(rest.out), { closed: 1 });
    assertEquals(
      (await close("--listener", "a")).out,
      "closed 0 connections\n",
    );
    await poll(async () => {
      const ran = await parley.run("connections", "list", "--json");
      return JSON.parse(ran.out).total === 1 ? true : undefined;
    }, () => "end of the two that were closed");
    for (const wire of wires) wire.close();
  },
});
