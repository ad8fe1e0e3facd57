/**
 * The sidecar in its pod: how long it takes from its process's start until its
 * startup probe is answered, and what its processes have taken of processors and
 * memory then; the image's size, and a command's start in it.
 *
 *   deno task bench:pod [--runs 7]
 */
import { parseArgs } from "node:util";
import { memory, processorTime, tree } from "../tests/pod/processes.ts";
import { Stage, STAGE_NEEDS } from "../tests/pod/stage.ts";
import type { Tool } from "../tests/setup/mod.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "7" } },
});
const runs = Number(values.runs);

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

function show(what: string, numbers: readonly number[], unit: string): void {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const round = (value: number) => value.toFixed(0);
  console.log(
    `${what}: ${round(median(numbers))} ${unit} ` +
      `(${round(least)}–${round(most)}, ${numbers.length} runs)`,
  );
}

const missing = Object.values(STAGE_NEEDS)
  .flatMap((need) => need.kind === "missing" ? [need.reason] : []);
if (missing.length > 0) throw new Error(missing.join("; "));

await using stage = await Stage.open(
  STAGE_NEEDS as Record<keyof typeof STAGE_NEEDS, Tool>,
);
const manifest = stage.injected(stage.cache({ "parley.dev/ports": "11211" }));
const started: number[] = [];
const worked: number[] = [];
const resident: number[] = [];
const proportional: number[] = [];
for (let i = 0; i < runs; i++) {
  await using pod = await stage.node.run(manifest);
  started.push(pod.startMs!);
  const processes = await tree(await pod.pid("parley"));
  worked.push(await processorTime(processes));
  const bytes = await memory(processes);
  resident.push(bytes.resident / 2 ** 20);
  proportional.push(bytes.proportional / 2 ** 20);
}
show("sidecar, start to ready", started, "ms");
show("processor time until then", worked, "ms");
show("memory of its processes, RSS summed", resident, "MiB");
show("memory, what is shared counted once", proportional, "MiB");

const help: number[] = [];
for (let i = 0; i < runs; i++) {
  const container = await stage.store.podman(
    ...["run", "--detach", "--no-healthcheck", "--network", "none"],
    ...["--read-only", "--read-only-tmpfs"],
    ...[stage.image, "--help"],
  );
  await stage.store.podman("wait", container);
  const [from, to] = (await stage.store.inspect(
    "{{.State.StartedAt.UnixMilli}} {{.State.FinishedAt.UnixMilli}}",
    container,
  )).split(" ");
  help.push(Number(to) - Number(from));
  await stage.store.podman("rm", container);
}
show("`--help` in the image", help, "ms");
const size = Number(await stage.store.inspect("{{.Size}}", stage.image));
const base = Number(
  await stage.store.inspect("{{.Size}}", stage.store.tag("base")),
);
console.log(
  `image: ${(size / 1e6).toFixed(0)} MB, of which ${
    (base / 1e6).toFixed(0)
  } MB are the base`,
);
