/**
 * A parser is saved while it is at work: once whole, once with a slip of the pen.
 *
 * @module
 */
import { misspelled, NEW_WORDS, OLD_WORDS, reworded } from "./edits.ts";
import { quoted } from "./narrator.ts";
import type { Step } from "./steps.ts";
import { startTraffic } from "./traffic.ts";
import { until } from "./until.ts";
import { KEY, SEED, VALUE, type World } from "./world.ts";

export const reload: Step<World> = {
  title: "A parser is saved under running connections",
  async run(world, { narrator, check }) {
    const file = world.parser.wording;
    const client = await world.connect("monitoring");
    const before = await client.ask(SEED);
    await using traffic = await startTraffic(world);
    await traffic.enough();

    const saved = performance.now();
    await world.save(file, reworded(await Deno.readTextFile(file)));
    const after = await until("the new words on the same socket", async () => {
      const reply = await client.ask(SEED);
      return reply === before ? undefined : reply;
    });
    const took = Math.round(performance.now() - saved);
    const fresh = await denial(world);
    await traffic.enough(); // they go on after the swap
    const seen = await traffic.stop();

    narrator.show("traffic", traffic.description);
    narrator.show("monitoring", `→ ${quoted(SEED)}  (from ${client.address})`);
    narrator.show("", `← ${quoted(before)}`);
    narrator.show(
      "saved",
      `${inside(world, file)}: denials say "${NEW_WORDS}"`,
    );
    narrator.show("monitoring", `→ ${quoted(SEED)}  (the same socket)`);
    narrator.show("", `← ${quoted(after)}`);
    check(
      before === `${OLD_WORDS}\r\n` && after === `${NEW_WORDS}\r\n`,
      `the same socket has the new words, ${took} ms after the save`,
    );
    check(fresh === after, "and so has a new connection");
    check(
      seen.moved === seen.denied,
      `${seen.moved} of ${seen.denied} denied connections changed words between two pipelined requests`,
    );
    check(
      seen.closed === 0 && seen.wrong === 0 && !client.wasClosed,
      `${seen.closed} of ${seen.connections} pipelined connections closed; ` +
        `${seen.replies} replies, ${seen.wrong} of them wrong`,
    );
  },
};

export const syntaxError: Step<World> = {
  title: "A syntax error is saved",
  async run(world, { narrator, check }) {
    const file = world.parser.wording;
    const good = await Deno.readTextFile(file);
    const { text, line } = misspelled(good);
    const open = await world.connect("monitoring");
    const known = world.messages.all.length;

    await world.save(file, text);
    const message = await until(
      "the sidecar's refusal",
      () =>
        world.messages.all.slice(known).find((text) =>
          text.startsWith("Cannot")
        ),
    );
    const slip = text.split("\n")[line - 1]!.trim();
    narrator.show("saved", `${inside(world, file)}:${line}  ${slip}`);
    narrator.show("sidecar", message.replaceAll(`${world.folder}/`, ""));
    check(message.includes(`${file}:${line}:`), "refused, with file and line");

    const reply = await denial(world);
    const value = await open.ask(`get ${KEY}\r\n`);
    check(
      reply === `${NEW_WORDS}\r\n` && value === VALUE,
      "the last good version serves on: new connections and open ones",
    );
    await world.change(file, good);
  },
};

/** How a new connection's forbidden request is answered. */
export async function denial(world: World): Promise<string> {
  const client = await world.connect("monitoring");
  const reply = await client.ask(SEED);
  client.leave();
  return reply;
}

/** A file of the world, from its folder on. */
export function inside(world: World, file: string): string {
  return file.slice(world.folder.length + 1);
}
