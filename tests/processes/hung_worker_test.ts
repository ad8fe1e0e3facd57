/** A parser that never returns, and what its worker costs then. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { gone, ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

/** A built-in that goes on for ever without a loop of the parser's own. */
const ENDLESS =
  `if (word === "hang") Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);`;

function start(server: LineServer, workers: number): Promise<Parley> {
  return Parley.start({
    config: {
      data: { workers },
      limits: { drain: "100ms", stall: "1m" }, // not the watchdog is tested here
      listeners: [{
        name: "a",
        upstream: server.address,
        port: PORT,
        l7proto: "words",
      }],
      policies: ["policies/"],
    },
    parsers: { "words.ts": words({ onRequest: ENDLESS }) },
    policies: { "words.json": allowing("word1") },
  });
}

Deno.test({
  name:
    "SIGTERM while a worker hangs in a parser, and a policy waits for it: it is killed after limits.drain and its grace, all is over with code 0, and nobody is left",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, 2);
    const workers = await parley.freshWorkers(2);
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("word1\n", "\n"), "word1\n");
    await wire.send("hang\n");
    // What is published waits for the worker then.
    await parley.judged(() =>
      parley.savePolicy("words.json", allowing("word2"))
    );
    const all = [...workers, ...await parley.children()];
    const from = parley.said.length;
    parley.signal("SIGTERM");
    assertEquals((await parley.ended()).code, 0);
    for (const pid of all) await gone(pid);
    const said = parley.said.all().slice(from).join("\n");
    assertMatch(said, /worker \d+ does not end and is killed/);
    assertEquals((await wire.readToEnd()).text, "");
  },
});

Deno.test({
  name:
    "a worker that hangs as the policy changes is told of, killed and replaced, and the policy counts",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, 1);
    const [worker] = await parley.freshWorkers(1);
    using wire = await parley.connect("a");
    await wire.send("hang\n");
    await parley.savePolicy("words.json", allowing("word2"));
    const told = await parley.until(/did not follow/);
    assertMatch(told, new RegExp(`process ${worker}\\) did not follow within`));
    await parley.until(/policy version 2 is in force/);
    await parley.until(/has taken its place/);
    await gone(worker!);
    using fresh = await parley.connect("a");
    assertEquals(await fresh.ask("word2\n", "\n"), "word2\n");
    await poll(
      async () => (await parley.workers()).length === 1 ? true : undefined,
      () => "one worker alone",
    );
  },
});
