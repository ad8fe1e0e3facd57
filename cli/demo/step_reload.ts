/**
 * A parser is saved while it is at work: once whole, once with a slip of the pen.
 *
 * @module
 */
import { misspelled, NEW_WORDS, reworded } from "./edits.ts";
import { quoted } from "./narrator.ts";
import type { Step } from "./steps.ts";
import { startTraffic, type Tally } from "./traffic.ts";
import { until } from "./until.ts";
import { KEY, SEED, VALUE, type World } from "./world.ts";

export const reload: Step<World> = {
  title: "A parser is saved under running connections",
  async run(world, { narrator, check }) {
    const file = world.parser.wording;
    await using traffic = await startTraffic(world);
    await enough(traffic.least);
    narrator.show("traffic", traffic.description);

    const saved = performance.now();
    await world.save(file, reworded(await Deno.readTextFile(file)));
    const fresh = await until("a denial in the new words", async () => {
      const reply = await denial(world);
      return reply === `${NEW_WORDS}\r\n` ? reply : undefined;
    });
    const took = Math.round(performance.now() - saved);

    await enough(traffic.least); // they go on after the swap
    const seen = await traffic.stop();
    narrator.show(
      "saved",
      `${inside(world, file)}: denials say "${NEW_WORDS}"`,
    );
    narrator.show("monitoring", `→ ${quoted(SEED)}  (a new connection)`);
    narrator.show("", `← ${quoted(fresh)}`);
    check(
      fresh === `${NEW_WORDS}\r\n`,
      `new connections have the new words, ${took} ms after the save`,
    );
    check(
      seen.closed === 0 && seen.wrong === 0,
      `${seen.closed} of ${seen.connections} open connections closed; ` +
        `${seen.replies} pipelined replies, ${seen.wrong} of them wrong`,
    );
    narrator.say(whereOpenOnesAre(seen));
  },
};

/** What became of the connections that were open during the swap: as observed. */
function whereOpenOnesAre({ oldWords, newWords }: Tally): string {
  const counts = `${oldWords} denials in the old words, ${newWords} in the new`;
  return newWords === 0
    ? `The open ones finish on the version they began with: ${counts}. (Moving live connections to the new version comes later.)`
    : `The open ones were moved between two requests: ${counts}.`;
}

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
    await world.save(file, good);
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

/** Waits until every connection has had some more answers. */
async function enough(least: () => number): Promise<void> {
  const wanted = least() + 50;
  await until(
    "traffic on every connection",
    () => least() >= wanted ? true : undefined,
  );
}
