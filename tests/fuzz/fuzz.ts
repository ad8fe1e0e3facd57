/**
 * `deno task fuzz [--seconds N] [--target NAME] [--seed N]`: mutates inputs
 * until the time is over or an invariant breaks. The broken input is written to
 * the corpus, which the test suite replays from then on.
 *
 * Not fuzzed yet: what servers send to the sidecar's own sockets (the operator's
 * signals, log sinks), and the command line.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Random } from "../random.ts";
import { mutate } from "./mutate.ts";
import { type Target, targets } from "./targets.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seconds: { type: "string", default: "60" },
    target: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const seed = Number(values.seed);
const chosen = (await targets()).filter(({ name }) =>
  values.target === undefined || name === values.target
);
const share = Number(values.seconds) * 1000 / chosen.length;
console.log(`seed ${seed}`);
let failed = 0;
for (const target of chosen) {
  if (!fuzz(target, new Random(seed), share)) failed++;
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);

/** Fuzzes one target; false if an invariant broke. */
function fuzz(target: Target, random: Random, ms: number): boolean {
  const corpus = [...target.seeds];
  const seen = new Set<string>();
  const end = performance.now() + ms;
  let runs = 0;
  while (performance.now() < end) {
    const input = mutate(random, random.pick(corpus), corpus);
    runs++;
    try {
      const led = target.run(input);
      if (seen.has(led)) continue;
      seen.add(led);
      corpus.push(input);
    } catch (error) {
      const file = keep(target, input);
      console.error(
        `${target.name}: ${(error as Error).message}\nkept in ${file}`,
      );
      return false;
    }
  }
  console.log(`${target.name}: ${runs} inputs, ${seen.size} kinds of outcome`);
  return true;
}

function keep({ name }: Target, input: Uint8Array): string {
  const folder = new URL(`corpus/${name}/`, import.meta.url);
  Deno.mkdirSync(folder, { recursive: true });
  const digest = [...input].reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
  const file = new URL(`${digest.toString(16)}.bin`, folder);
  Deno.writeFileSync(file, input);
  return file.pathname;
}
