/**
 * Commands hidden inside others. Both of these get past Cilium's own memcached
 * parser, which reads other lines than memcached does.
 *
 * @module
 */
import type { Workload } from "./files.ts";
import { quoted } from "./narrator.ts";
import type { Stage, Step } from "./steps.ts";
import { showDecision } from "./step_workloads.ts";
import { KEY, type World } from "./world.ts";
import type { Client } from "./client.ts";

interface Smuggle {
  readonly workload: Workload;
  readonly how: string;
  readonly bytes: string;
}

const SMUGGLES: readonly Smuggle[] = [
  {
    workload: "monitoring",
    how:
      "A line that ends at a bare LF. Cilium reads on to the CRLF and sees one get.",
    bytes: `get ${KEY}\nflush_all\r\n`,
  },
  {
    workload: "maintenance",
    how:
      "A set whose flags are no number. Cilium takes its body along; memcached " +
      "refuses the line, and reads the body as its next command.",
    bytes: `set ${KEY} x 0 11\r\nflush_all\r\n\r\n`,
  },
];

export const smuggling: Step<World> = {
  title: "A smuggled command",
  async run(world, stage) {
    stage.narrator.say(
      "Cilium's own memcached parser reads other lines than memcached does, and lets both of these through.",
    );
    const before = await flushes(world);
    for (const smuggle of SMUGGLES) await attempt(smuggle, world, stage);
    const through = await flushes(world) - before;
    stage.narrator.blank();
    stage.check(
      through === 0,
      `${world.cache.name} counts ${through} flush_all (cmd_flush ${before} → ${
        before + through
      })`,
    );
    await control(world, stage);
  },
};

async function attempt(
  { workload, how, bytes }: Smuggle,
  world: World,
  { narrator, check }: Stage,
): Promise<void> {
  const client = await world.connect(workload);
  const replies = await askAll(client, bytes);
  const line = await world.log.request(client, "flush_all");
  narrator.blank();
  narrator.say(how);
  narrator.show(workload, `→ ${quoted(bytes)}`);
  for (const reply of replies) narrator.show("", `← ${quoted(reply)}`);
  showDecision(narrator, line);
  check(line.verdict === "denied", "flush_all was seen, and denied");
}

/** The same bytes past the sidecar: the counter does count. */
async function control(
  world: World,
  { narrator, check }: Stage,
): Promise<void> {
  const before = await flushes(world);
  const client = await world.direct();
  for (const { bytes } of SMUGGLES) await askAll(client, bytes);
  client.leave();
  const obeyed = await flushes(world) - before;
  check(
    obeyed === SMUGGLES.length,
    `the same bytes sent past Parley: ${obeyed} flush_all obeyed`,
  );
  narrator.say(
    "The control: the counter does count. The flushed value is put back.",
  );
  await world.seed();
}

/** Every reply to bytes that may hold any number of requests: `version` marks the end. */
async function askAll(client: Client, bytes: string): Promise<string[]> {
  client.send(`${bytes}version\r\n`);
  const replies: string[] = [];
  for (;;) {
    const [reply] = await client.receive(1);
    if (reply!.startsWith("VERSION ")) return replies;
    replies.push(reply!);
  }
}

/** How often the cache was flushed, in its own words. */
async function flushes(world: World): Promise<number> {
  const client = await world.direct();
  const stats = await client.ask("stats\r\n");
  client.leave();
  const count = /^STAT cmd_flush (\d+)/m.exec(stats)?.[1];
  if (count === undefined) throw new Error("stats has no cmd_flush");
  return Number(count);
}
