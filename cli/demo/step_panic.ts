/**
 * Parsers with bugs: one throws on one command, one loops for ever.
 *
 * @module
 */
import { authorsPath } from "../../proxy/sandbox/staged_path.ts";
import type { LogLine } from "./access_log.ts";
import { NEW_WORDS, onTouch } from "./edits.ts";
import { quoted } from "./narrator.ts";
import { inside } from "./step_reload.ts";
import { excerpt } from "./step_workloads.ts";
import type { Stage, Step } from "./steps.ts";
import { startTraffic } from "./traffic.ts";
import { KEY, VALUE, type World } from "./world.ts";

/** What a parser does at a `touch`. */
interface Fault {
  readonly statement: string;
  /** How the access log must put it. */
  readonly panic: string;
  readonly proves: string;
}

const THROWS: Fault = {
  statement: 'throw new Error("touch is not written yet");',
  panic: "Panic: touch is not written yet",
  proves:
    "its connection is closed, and the log says what was thrown, and where",
};

const LOOPS: Fault = {
  statement: "for (;;);",
  panic: "Panic: it did not return within 20 ms (limits.parserTime)",
  proves:
    "the call is ended, its connection closed, and the log says where it was",
};

/** Calls that never return are ended by checks that the sandbox puts into a parser. */
export function faultsOf(world: World): readonly Fault[] {
  return world.isSandboxed ? [THROWS, LOOPS] : [THROWS];
}

const TOUCH = `touch ${KEY} 60\r\n`;

export const panic: Step<World> = {
  title: "A parser that throws, and one that never returns",
  async run(world, stage) {
    const { narrator, check } = stage;
    const file = world.parser.entry;
    const good = await Deno.readTextFile(file);
    await using traffic = await startTraffic(world);
    narrator.show("traffic", traffic.description);
    for (const fault of faultsOf(world)) {
      await suffer(fault, good, world, stage);
      await traffic.enough(); // the others go on
    }
    narrator.blank();
    await world.change(file, good);
    const mended = await (await world.connect("monitoring")).ask(TOUCH);
    await traffic.enough();
    const seen = await traffic.stop();
    narrator.show("saved", `${inside(world, file)}: without the bug`);
    narrator.show("monitoring", `→ ${quoted(TOUCH)}`);
    narrator.show("", `← ${quoted(mended)}`);
    check(mended === `${NEW_WORDS}\r\n`, "the mended version serves");
    check(
      seen.closed === 0 && seen.wrong === 0,
      `all the while, on the same versions: ${seen.closed} of ${seen.connections} other ` +
        `connections closed; ${seen.replies} replies, ${seen.wrong} of them wrong`,
    );
    if (world.isSandboxed) return;
    narrator.say(
      "One that loops for ever is left out: what ends it is part of the sandbox, " +
        "which the portable transport has not.",
    );
  },
};

/** A connection that is open already meets the fault. */
async function suffer(
  fault: Fault,
  good: string,
  world: World,
  { narrator, check }: Stage,
): Promise<void> {
  const file = world.parser.entry;
  const victim = await world.connect("monitoring");
  victim.mayBeClosed = true;
  const value = await victim.ask(`get ${KEY}\r\n`);
  const { text, line } = onTouch(good, fault.statement);
  const version = await world.change(file, text);
  victim.send(TOUCH);
  const reply = await victim.replyOrClose();
  const panicked = await world.log.find(
    "the panic",
    victim,
    ({ reason }) => reason === "panic",
  );
  const place = placeOf(panicked);

  narrator.blank();
  narrator.show("saved", `${inside(world, file)}:${line}  ${fault.statement}`);
  narrator.show("monitoring", `→ ${quoted(TOUCH)}`);
  narrator.show("", `← ${quoted(reply)}`);
  narrator.show("access log", `${excerpt(panicked)}, "stack": at ${place}`);
  check(
    value === VALUE && reply === "closed" && panicked.verdict === "error" &&
      panicked.parser === version &&
      String(panicked.fields["status"]).startsWith(fault.panic) &&
      place === `memcache/mod.ts:${line}`,
    fault.proves,
  );
}

/** The author's file and line in the stack of a panic. */
function placeOf({ fields }: LogLine): string {
  const stack = authorsPath(String(fields["stack"]));
  return /\/(memcache\/\w+\.ts:\d+)/.exec(stack)?.[1] ?? "an unknown place";
}
