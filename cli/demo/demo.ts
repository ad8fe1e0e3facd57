/**
 * `parley demo`: a tour on loopback. Every ✓ is computed from bytes and log
 * lines that were observed.
 *
 * Its permissions (`demo` in deno.json), as few as can be told before it runs:
 *
 * ```text
 * read, write  the temporary folder, wherever the system has those, with all that the sidecar
 *              keeps there; the program's sources; the stamp of the runtime's cache
 * net          the three loopback addresses: the servers' own, and one for each workload
 * env          where the runtime's cache is; whether the help has colours; the YAML reader's switches
 * sys          the load of the machine, for a step that is late
 * run          memcached, and this runtime, wherever it is: worker and checker begin as it
 * ffi          the supervisor's sockets, and what passes them on; pointers come with the whole only
 * ```
 *
 * @module
 */
import { WORKLOADS } from "./files.ts";
import { Narrator } from "./narrator.ts";
import { scoreboard } from "./scoreboard.ts";
import { droid } from "./step_droid.ts";
import { panic } from "./step_panic.ts";
import { reload, syntaxError } from "./step_reload.ts";
import { smuggling } from "./step_smuggling.ts";
import { workloads } from "./step_workloads.ts";
import { exitCode, runSteps, type Step } from "./steps.ts";
import { World } from "./world.ts";
import { yourTurn } from "./your_turn.ts";

const STEPS: readonly Step<World>[] = [
  workloads,
  smuggling,
  reload,
  syntaxError,
  panic,
  droid,
  scoreboard,
];

const STOPS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs the tour; unless `once`, it then serves on until it is told to stop.
 * Non-zero if a step was wrong, or the tour was not finished.
 */
export async function demo(
  { once = false, portable = false }: { once?: boolean; portable?: boolean },
): Promise<number> {
  const narrator = Narrator.ofStdout();
  const stop = new AbortController();
  const abort = () => stop.abort();
  for (const signal of STOPS) Deno.addSignalListener(signal, abort);
  const world = await World.open(!portable && Deno.build.os === "linux");
  try {
    introduce(world, narrator);
    const { signal } = stop;
    const outcome = await runSteps(STEPS, world, narrator, signal);
    if (outcome.finished) {
      conclude(outcome.wrong, narrator);
      if (!once) await yourTurn(world, narrator, signal);
    }
    return exitCode(outcome);
  } finally {
    await world.close();
    for (const signal of STOPS) Deno.removeSignalListener(signal, abort);
  }
}

function introduce(world: World, narrator: Narrator): void {
  const { name, port, standsIn } = world.cache;
  const cache = standsIn === undefined
    ? `${name} at 127.0.0.1:${port}, started for this tour`
    : `an in-process stand-in at 127.0.0.1:${port} (${standsIn})`;
  narrator.heading("Parley: a sidecar that asks a policy about every request");
  narrator.show("cache", cache);
  narrator.show("sidecar", `${world.address}, in front of it`);
  narrator.show(
    "parsers",
    world.isSandboxed
      ? "run in a sandboxed worker process, as with `parley run`"
      : "run in this process, without a sandbox (the portable transport)",
  );
  // Of a sandbox that lacks a wall, for one.
  for (const warning of world.messages.warnings) {
    narrator.show("sidecar", warning);
  }
  narrator.show("monitoring", `comes from ${WORKLOADS.monitoring}: get`);
  narrator.show(
    "maintenance",
    `comes from ${WORKLOADS.maintenance}: get and set, below fleet/`,
  );
  narrator.show("files", `${world.folder}, removed at the end`);
}

function conclude(wrong: readonly string[], narrator: Narrator): void {
  narrator.blank();
  if (wrong.length === 0) narrator.check(true, "every step was right");
  for (const title of wrong) narrator.check(false, `wrong: ${title}`);
}
