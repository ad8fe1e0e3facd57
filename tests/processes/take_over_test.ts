/** Connections change their process under way, and nobody at either end notices. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  notDeepStrictEqual as assertNotEquals,
} from "node:assert/strict";
import { gone, ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

/** Lines answered by lines; `no…` is denied with a word. */
const parser = (word: string) => `
import { bytes, defineProtocol, latin1, line, part, pass, z } from "parley/proxylib";

export default defineProtocol({
  description: "lines",
  rule: z.record(z.string(), z.string()),
  matches: () => true,
  state: () => ({ count: 0 }),
  frame: (data, seen) => line(data, seen, 1000),
  request(head, state) {
    state.count++;
    return { text: latin1(head, 0, head.length - 1), count: state.count };
  },
  fields: ({ text }) => ({ text }),
  refuse: ({ text, count }) =>
    text.startsWith("no") ? { answer: bytes(\`${word} \${count}\\n\`) } : undefined,
  deny: () => undefined,
  reply: (data, seen) => {
    const end = line(data, seen, 1000);
    return end.op === "pass" ? pass(end.bytes) : part(data.length);
  },
});
`;

/** One that cannot say what it remembers. */
const mute = `
import { defineParser, nop, pass, z } from "parley/proxylib";

export default defineParser({
  description: "mute",
  rule: z.record(z.string(), z.string()),
  matches: () => true,
  create: () => ({
    onData: (_reply, _end, data) => data.length === 0 ? nop() : pass(data.length),
  }),
});
`;

const TAKES_OVER =
  /worker \d+ \(process (\d+)\) takes over from worker \d+ \(process (\d+)\)/;

/** Edits the parser until its worker is replaced; the pids of both. */
async function wearOut(
  parley: Parley,
  name: string,
  count: number,
): Promise<{ fresh: number; old: number }> {
  const from = parley.said.length;
  for (let i = 1; i <= count; i++) {
    const before = parley.said.length;
    await parley.saveParser(`${name}.ts`, parser(`v${i}`));
    await parley.until(new RegExp(`parser ${name}@`), before);
  }
  const [, fresh, old] = TAKES_OVER.exec(
    await parley.until(TAKES_OVER, from),
  )!;
  return { fresh: Number(fresh), old: Number(old) };
}

Deno.test({
  name:
    "after so many versions a fresh process takes the connections over, with all that is under way in them",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        parsers: { folders: ["parsers/"], recycleAfter: 2 },
        limits: { drain: "60s" },
        listeners: [{ name: "a", upstream: server.address, l7proto: "lines" }],
      },
      parsers: { "lines.ts": parser("v0") },
    });
    const workers = await parley.workers();
    using idle = await parley.connect("a");
    using silent = await parley.connect("a");
    using torn = await parley.connect("a");
    assertEquals(await idle.ask("hello\n", "\n"), "hello\n");
    assertEquals(await torn.ask("hello\nhal", "\n"), "hello\n");
    const { fresh, old } = await wearOut(parley, "lines", 2);
    assertEquals([old], workers);
    assertNotEquals(fresh, old);
    await gone(old); // it has nothing left
    assertEquals(await idle.ask("no\n", "\n"), "v2 2\n");
    assertEquals(await torn.ask("f\n", "\n"), "half\n");
    assertEquals(await silent.ask("no\n", "\n"), "v2 1\n");
    using late = await parley.connect("a");
    assertEquals(await late.ask("no\n", "\n"), "v2 1\n");
    await parley.onlyWorkers([fresh]);
    assertEquals(await parley.log.lines({ type: "connection" }), []);
    await Promise.all([idle, silent, torn].map((wire) => wire.finish()));
    const ends = await parley.log.expect(3, { type: "connection" });
    assertEquals(ends.map(({ fields }) => fields["end"]), [
      "closed",
      "closed",
      "closed",
    ]);
    assertEquals(
      ends.map(({ fields }) => fields["bytesForward"]).sort(),
      [0, 11, 6].sort(),
    );
  },
});

Deno.test({
  name:
    "a connection whose parser cannot say what it remembers finishes in the old process; limits.drain bounds that",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        parsers: { folders: ["parsers/"], recycleAfter: 2 },
        limits: { drain: "10s" },
        listeners: [
          { name: "a", upstream: server.address, l7proto: "lines" },
          { name: "b", upstream: server.address, l7proto: "mute" },
        ],
      },
      parsers: { "lines.ts": parser("v0"), "mute.ts": mute },
    });
    using moves = await parley.connect("a");
    using stays = await parley.connect("b");
    assertEquals(await moves.ask("hello\n", "\n"), "hello\n");
    assertEquals(await stays.ask("hello\n", "\n"), "hello\n");
    const { old } = await wearOut(parley, "lines", 2);
    assertEquals(await stays.ask("again\n", "\n"), "again\n");
    assertEquals(await moves.ask("again\n", "\n"), "again\n");
    await gone(old);
    const end = await parley.log.one({ type: "connection" });
    assertEquals(end.fields["end"], "drained");
    assertMatch(
      await parley.until(/still open after limits\.drain/),
      /1 connections/,
    );
    assertEquals(await moves.ask("still\n", "\n"), "still\n");
  },
});
