/** A change of parsers and policies that comes at a bad moment. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { poll } from "../e2e/harness.ts";
import { gone, ignore, type Options, Parley, send, stop } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

const TAKEN = /worker \d+ \(process (\d+)\) has taken its place/;

const options = (server: LineServer): Options => ({
  config: {
    listeners: [{
      name: "a",
      upstream: server.address,
      port: PORT,
      l7proto: "words",
    }],
    policies: ["policies/"],
  },
  parsers: { "words.ts": words() },
  policies: { "words.json": allowing("word1") },
});

/** When the only worker dies, seen from the change: each makes the change, and ends when it is that moment. */
const MOMENTS: readonly {
  readonly name: string;
  readonly come: (
    parley: Parley,
    change: () => Promise<void>,
  ) => Promise<unknown>;
}[] = [
  { name: "as the files change", come: (_, change) => change() },
  {
    name: "while they are judged",
    async come(parley, change) {
      await change();
      await poll(
        async () => (await parley.checkers()).length > 0 ? true : undefined,
        () => "checker",
      );
    },
  },
  {
    name: "as they have been judged",
    come: (parley, change) => parley.judged(change),
  },
];

Deno.test({
  name:
    "a worker that dies while parsers and policy change: its successor serves with the newest of both",
  ignore,
  async fn(test) {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server));
    let edition = 1;
    for (const { name, come } of MOMENTS) {
      await test.step(name, async () => {
        edition++;
        const from = parley.said.length;
        const [worker] = await parley.freshWorkers(1);
        await come(parley, async () => {
          await parley.saveParser("words.ts", words({ edition }));
          await parley.savePolicy("words.json", allowing(`word${edition}`));
        });
        send(worker!, "SIGKILL");
        await parley.until(TAKEN, from);
        // The two files may have been judged together or one after the other.
        await parley.until(/policy version \d+ is in force/, from);
        await parley.until(/parser words@\w+ serves new connections/, from);
        await gone(worker!);
        using wire = await parley.connect("a");
        const [now, before] = [`word${edition}\n`, `word${edition - 1}\n`];
        assertEquals(await wire.ask(now, "\n"), now);
        assertEquals(await wire.ask(before, "\n"), `denied ${edition}\n`);
      });
    }
  },
});

Deno.test({
  name:
    "a worker that dies while another one has yet to read what was published: its successor serves with that",
  ignore,
  async fn() {
    await using server = new LineServer();
    const { config, ...files } = options(server);
    await using parley = await Parley.start({
      config: { ...config, data: { workers: 2 } },
      ...files,
    });
    const [slow, victim] = await parley.freshWorkers(2) as [number, number];
    const from = parley.said.length;
    await stop(slow);
    await parley.judged(async () => {
      await parley.saveParser("words.ts", words({ edition: 2 }));
      await parley.savePolicy("words.json", allowing("word2"));
    });
    send(victim, "SIGKILL");
    await parley.until(/has taken its place/, from);
    // One worker stands still: its successor is who takes these. What was
    // published is with it from the start, or comes as to everybody.
    using wire = await parley.connect("a");
    await poll(
      async () =>
        await wire.ask("word2\n", "\n") === "word2\n" ? true : undefined,
      () => "new policy",
    );
    using fresh = await parley.connect("a");
    assertEquals(await fresh.ask("word1\n", "\n"), "denied 2\n");
    send(slow, "SIGCONT");
    await parley.until(/policy version 2 is in force/, from);
  },
});

Deno.test({
  name:
    "a rule that its parser never ends to check costs the checker: it is refused by name, what was in force stays, and later changes count",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server));
    const [worker] = await parley.freshWorkers(1);
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("word1\n", "\n"), "word1\n");

    const from = parley.said.length;
    const onRule = `if (word === "endless") for (;;);`;
    // In this order it is the rule that never ends, however far apart they are seen.
    await parley.savePolicy("words.json", allowing("endless"));
    await parley.saveParser("words.ts", words({ edition: 2, onRule }));
    const told = await parley.until(/Cannot load parser words/, from);
    assertMatch(told, /words\.ts:1:1: its checker hung for \d+ ms/);
    using fresh = await parley.connect("a");
    for (const one of [wire, fresh]) {
      // The old edition has nothing against the word: its document is in force.
      assertEquals(await one.ask("endless\n", "\n"), "endless\n");
      assertEquals(await one.ask("word2\n", "\n"), "denied 1\n");
    }
    await parley.onlyWorkers([worker!]); // no worker was touched

    await parley.saveParser("words.ts", words({ edition: 3 }));
    await parley.until(/parser words@\w+ serves new connections/, from);
    using last = await parley.connect("a");
    assertEquals(await last.ask("word3\n", "\n"), "denied 3\n");
  },
});
