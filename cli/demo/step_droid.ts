/**
 * A protocol that the sidecar has never heard of gets its parser, and with it a
 * policy, while the sidecar runs.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { DROID_POLICY } from "./files.ts";
import { quoted } from "./narrator.ts";
import { showDecision } from "./step_workloads.ts";
import type { Step } from "./steps.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const PARSER = new URL("../../examples/parsers/c3po.ts", import.meta.url);
/** On a machine that has nothing else to do. */
const WITHIN_MS = 1000;

const HELLO = "R2-D2, come in";
const UNWANTED = "R2-D2, have you seen C-3PO?";
const BYE = "R2-D2, over and out";

export const droid: Step<World> = {
  title: "A protocol nobody has heard of",
  async run(world, { narrator, check }) {
    const early = await greet(world);
    const refused = await early.client.replyOrClose();
    const line = await world.log.find(
      "the refusal",
      early.client,
      ({ type }) => type === "connection",
    );
    narrator.show("maintenance", `→ ${quoted(`${HELLO}\n`)}`);
    narrator.show("", `← ${quoted(refused)}`);
    check(
      refused === "closed" && line.verdict === "denied",
      `before: no policy for this port, so nothing passes (${line.reason})`,
    );

    narrator.blank();
    const saved = performance.now();
    await world.save(
      `${world.folder}/parsers/c3po.ts`,
      await Deno.readTextFile(PARSER),
    );
    await world.save(`${world.folder}/policies/droid.yaml`, DROID_POLICY);
    const { client, reply } = await until(
      "the first policed line",
      async () => {
        const { client } = await greet(world);
        const reply = await client.replyOrClose();
        return reply === "closed" ? undefined : { client, reply };
      },
    );
    client.mayBeClosed = false;
    const took = Math.round(performance.now() - saved);
    narrator.show(
      "saved",
      "parsers/c3po.ts and policies/droid.yaml (l7proto: c3po)",
    );
    const late = took < WITHIN_MS ? undefined : busyness();
    check(
      took < WITHIN_MS * (late?.share ?? 1),
      `policed ${took} ms after the save, nothing restarted${late?.says ?? ""}`,
    );

    client.send(`${UNWANTED}\n${BYE}\n`);
    const [next] = await client.receive(1);
    narrator.show(
      "maintenance",
      `→ ${quoted(`${HELLO}\n${UNWANTED}\n${BYE}\n`)}`,
    );
    narrator.show("", `← ${quoted(reply)}`);
    narrator.show("", `← ${quoted(next!)}`);
    const denied = await world.log.find(
      "the unwanted line",
      client,
      ({ fields }) => fields["line"] === UNWANTED,
    );
    showDecision(narrator, denied);
    const heard = world.droid.heard.filter((line) => line.includes("C-3PO"));
    check(
      reply === `heard: ${HELLO}\n` && next === `heard: ${BYE}\n` &&
        denied.verdict === "denied" && heard.length === 0,
      `the server heard ${heard.length} lines about C-3PO, and the rest`,
    );
  },
};

/** How many times as long things take on a machine whose processors have other work. */
function busyness(): { share: number; says: string } {
  const processors = navigator.hardwareConcurrency;
  const load = Deno.loadavg()[0]!;
  return {
    share: Math.max(1, load / processors),
    says: `; load ${load.toFixed(1)} on ${processors} processors`,
  };
}

/** A new connection that says hello. It may be refused: that is what is tried. */
async function greet(world: World): Promise<{ client: Client }> {
  const client = await world.connectDroid("maintenance");
  client.mayBeClosed = true;
  client.send(`${HELLO}\n`);
  return { client };
}
