/**
 * After the tour: the sidecar serves on, and what it logs is shown.
 *
 * @module
 */
import type { LogLine } from "./access_log.ts";
import { WORKLOADS } from "./files.ts";
import { type Narrator, quoted } from "./narrator.ts";
import { excerpt } from "./step_workloads.ts";
import { KEY, SEED, type World } from "./world.ts";

const REFRESH_MS = 100;

/** Shows what happens, until `signal`. */
export async function yourTurn(
  world: World,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<void> {
  invite(world, narrator);
  world.messages.listen = (message) => narrator.show("sidecar", message);
  let shown = (await world.log.lines()).length;
  for (;;) {
    const lines = await world.log.lines();
    for (const line of lines.slice(shown)) {
      const reason = line.reason === undefined ? "" : ` (${line.reason})`;
      narrator.show(workloadOf(line), excerpt(line) + reason);
    }
    shown = lines.length;
    if (signal.aborted) break;
    await pause(signal);
  }
  narrator.blank();
  narrator.say(`Stopping, and removing ${world.folder}.`);
}

function invite(world: World, narrator: Narrator): void {
  const { folder, parser } = world;
  const [host, port] = world.address.split(":");
  const requests = quoted(`get ${KEY}\r\n${SEED}quit\r\n`);
  narrator.heading("Your turn (Ctrl-C ends it)");
  for (const [workload, address] of Object.entries(WORKLOADS)) {
    narrator.say(`As ${workload}:`);
    narrator.line(`printf '${requests}' | nc -s ${address} ${host} ${port}`);
  }
  narrator.blank();
  narrator.say("Edit the parser, save, and try again:");
  narrator.line(parser.wording);
  narrator.say("Or the policy:");
  narrator.line(`${folder}/policies/cache.yaml`);
  narrator.blank();
}

/** The workload's name, or the address of one that has none. */
function workloadOf({ source }: LogLine): string {
  const host = source.address.replace(/:\d+$/, "");
  const known = Object.entries(WORKLOADS).find(([, from]) => from === host);
  return known?.[0] ?? host;
}

/** Until the next look, or the signal. */
function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, REFRESH_MS);
    signal.addEventListener("abort", over);
  });
}
