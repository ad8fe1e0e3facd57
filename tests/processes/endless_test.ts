/** A parser that never returns costs the connection that it was called for; all others go on. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { poll } from "../e2e/harness.ts";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

/** Does what a line's first word says, and passes the line if it gets there. */
const MOODY = `import { defineParser, line, nop, z } from "parley/proxylib";

const spin = () => { for (;;); };
const SLOW = /^(a+)+$/;
const MOODS: Record<string, () => unknown> = {
  unwilling: () => { throw new Error("not yet"); },
  loop: spin,
  recurse: () => { const f = (): unknown => { try { return f(); } finally { f(); } }; return f(); },
  generate: () => [...(function* () { for (;;) yield 1; })()].length,
  compare: () => [2, 1].sort(spin as never),
  caught() { for (;;) { try { spin(); } catch { /* on */ } } },
  finally() { try { spin(); } finally { return 1; } },
  promise: () => new Promise(spin),
  message() { throw new (class extends Error { override get message(): never { return spin() as never; } })(); },
  verdict: () => ({ get op() { return spin(); } }),
  later() { (async () => { for (;;) await null; })(); },
  chain() { const next = (): unknown => Promise.resolve().then(next, next); next(); },
  pattern: () => SLOW.test("a".repeat(64) + "!"),
  text: () => new RegExp("(a|a)*b" + "$").test("a".repeat(64)),
};

export default defineParser({
  description: "does what it is told",
  rule: z.strictObject({}),
  matches: () => true,
  create: () => ({
    onData(reply, _end, data, seen) {
      if (data.length === 0) return nop();
      const [word] = /^\\w+/.exec(String.fromCharCode(...data)) ?? [];
      const answer = reply ? undefined : MOODS[word ?? ""]?.();
      return word === "verdict" && !reply ? answer as never : line(data, seen, 1024);
    },
  }),
});
`;

/** What ends the connection, by the line where it is then. */
const ENDED: Readonly<Record<string, string>> = {
  loop: "3",
  recurse: "8",
  generate: "9",
  compare: "3",
  caught: "(?:3|11)",
  finally: "3",
  promise: "3",
  message: "3",
  verdict: "3",
};

const GOES_ON = ["later", "chain", "pattern", "text"];

Deno.test({
  name:
    "a parser that never returns loses its connection, and its neighbours on the same worker go on",
  ignore,
  async fn(test) {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        data: { workers: 1 },
        listeners: [
          { name: "a", upstream: server.address, l7proto: "moody" },
          { name: "b", upstream: server.address, l7proto: "late" },
        ],
      },
      parsers: {
        "moody.ts": MOODY,
        "late.ts": MOODY.replace("unwilling:", "hello:"),
      },
    });
    const workers = await parley.workers();
    using neighbour = await parley.connect("a");
    for (const [word, line] of Object.entries(ENDED)) {
      await test.step(word, async () => {
        using wire = await parley.connect("a");
        assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
        await wire.send(`${word}\n`);
        assertEquals((await wire.readToEnd()).text, "");
        const [panic] = await parley.log.expect(1, {
          source: wire,
          reason: "panic",
          open: true,
        });
        assertMatch(
          String(panic!.fields["status"]),
          new RegExp(
            `^Panic: it did not return within 20 ms \\(limits\\.parserTime\\), ` +
              `at moody\\.ts:${line} \\(in the request direction\\)$`,
          ),
        );
        assertEquals(await neighbour.ask("still\n", "\n"), "still\n");
      });
    }
    for (const word of GOES_ON) {
      await test.step(word, async () => {
        using wire = await parley.connect("a");
        assertEquals(await wire.ask(`${word}\n`, "\n"), `${word}\n`);
        assertEquals(await wire.ask("still\n", "\n"), "still\n");
        assertEquals(await neighbour.ask("still\n", "\n"), "still\n");
      });
    }
    // Promises have their turn when the worker carries out an order.
    await test.step("an order of the supervisor's", async () => {
      await parley.saveParser("late.ts", MOODY);
      await poll(async () => {
        using wire = await parley.connect("b");
        await wire.send("hello\n");
        await wire.finish();
        return (await wire.readToEnd()).text === "hello\n" ? true : undefined;
      }, () => "connection with the late parser");
      assertEquals(await neighbour.ask("still\n", "\n"), "still\n");
    });
    await parley.onlyWorkers(workers); // the worker is the same
  },
});
