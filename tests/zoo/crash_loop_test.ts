/** A version that only ever panics makes way for the last good one; one that has served never does. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { ignore, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { parserText, WORD } from "./parser.ts";

const GOOD = parserText({ onData: 'throw new Error("at this word only");' });
/** Another content of the same behaviour. */
const ALSO_GOOD = `${GOOD}// another version\n`;
const BROKEN = parserText({ create: 'throw new Error("broken");' });
/** As many as would have a version withdrawn, and a few more. */
const ATTACKS = 8;

function start(server: LineServer, text: string): Promise<Parley> {
  return Parley.start({
    config: {
      data: { workers: 2 },
      listeners: [{ name: "a", upstream: server.address, l7proto: "moody" }],
    },
    parsers: { "moody.ts": text },
  });
}

/** Puts a version in force. */
async function publish(parley: Parley, text: string): Promise<void> {
  const from = parley.said.length;
  await parley.saveParser("moody.ts", text);
  await parley.until(/parser moody@\w+ serves new connections/, from);
}

/** One connection after another; how many, on a machine that takes its time, `isOver` may say. */
async function attack(
  parley: Parley,
  line: string,
  isOver = (count: number): boolean => count === ATTACKS,
): Promise<void> {
  for (let count = 0; !isOver(count); count++) {
    using wire = await parley.connect("a");
    await wire.send(line);
    await wire.readToEnd();
  }
}

async function serves(parley: Parley): Promise<void> {
  using wire = await parley.connect("a");
  assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
}

Deno.test({
  name:
    "a version that panics before it ever served is withdrawn, loudly; it stays so until its text changes",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, GOOD);
    await serves(parley);
    await publish(parley, BROKEN);
    const from = parley.said.length;
    // Later ones are served, and then refused.
    const attacks = attack(parley, "hello\n", () => false).catch(() => {});
    const said = await parley.until(/is withdrawn/, from);
    assertMatch(said, /"level":"error"/);
    assertMatch(
      said,
      /parser moody@\w{6} panicked on 5 connections within 10 s and has never passed a reply; it is withdrawn, and moody@\w{6} serves new connections again/,
    );
    await serves(parley);
    parley.signal("SIGTERM");
    await parley.ended();
    await attacks;
  },
});

Deno.test({
  name: "a version that has served stays, whatever clients make it do",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, GOOD);
    await serves(parley);
    await publish(parley, ALSO_GOOD);
    await serves(parley); // on one of both workers
    await attack(parley, `${WORD}\n`);
    await serves(parley);
    assert(!parley.said.all().some((line) => line.includes("withdrawn")));
  },
});

Deno.test({
  name: "without another version the only one stays, which is said",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, BROKEN);
    let isOver = false;
    const attacks = attack(parley, "hello\n", () => isOver);
    await parley.until(/never passed a reply; there is no other version/)
      .finally(() => isOver = true);
    await attacks;
  },
});
