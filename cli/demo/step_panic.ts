/**
 * A parser with a bug: it throws on one command.
 *
 * @module
 */
import { BUG, NEW_WORDS, withBug } from "./edits.ts";
import { quoted } from "./narrator.ts";
import { excerpt } from "./step_workloads.ts";
import { inside } from "./step_reload.ts";
import type { Step } from "./steps.ts";
import { until } from "./until.ts";
import { KEY, VALUE, type World } from "./world.ts";

export const panic: Step<World> = {
  title: "A parser that throws",
  async run(world, { narrator, check }) {
    const file = world.parser.entry;
    const good = await Deno.readTextFile(file);
    await change(world, () => world.save(file, withBug(good)));
    narrator.show("saved", `${inside(world, file)}: throws on "touch"`);

    const victim = await world.connect("monitoring");
    victim.mayBeClosed = true;
    const others = [
      await world.connect("monitoring"),
      await world.connect("maintenance"),
    ];
    const request = `touch ${KEY} 60\r\n`;
    victim.send(request);
    const reply = await victim.replyOrClose();
    const line = await world.log.find(
      "the panic",
      victim,
      ({ fields }) => String(fields["status"]).startsWith("Panic: "),
    );
    narrator.show("monitoring", `→ ${quoted(request)}`);
    narrator.show("", `← ${quoted(reply)}`);
    narrator.show("access log", excerpt(line));
    const { status } = line.fields;
    check(
      reply === "closed" && line.verdict === "error" &&
        String(status).startsWith(`Panic: ${BUG}`),
      "its connection is closed, and the log says what was thrown",
    );

    const values: string[] = [];
    for (const other of others) values.push(await other.ask(`get ${KEY}\r\n`));
    check(
      values.every((value) => value === VALUE),
      `${values.length} other connections on the same version go on`,
    );

    await change(world, () => world.save(file, good));
    const mended = await (await world.connect("monitoring")).ask(request);
    narrator.blank();
    narrator.show("saved", `${inside(world, file)}: without the bug`);
    narrator.show("monitoring", `→ ${quoted(request)}`);
    narrator.show("", `← ${quoted(mended)}`);
    check(mended === `${NEW_WORDS}\r\n`, "the mended version serves");
    narrator.say(
      "One that loops for ever is not protected against " +
        "yet in the portable transport, so it is not shown; that comes later.",
    );
  },
};

/** Saves, and waits until the sidecar serves another version. */
async function change(world: World, save: () => Promise<void>): Promise<void> {
  const known = world.messages.all.length;
  await save();
  await until(
    "another version of the parser",
    () =>
      world.messages.all.slice(known)
        .find((message) => /^parser memcache@\w+ serves/.test(message)),
  );
}
