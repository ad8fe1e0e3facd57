/** Replays what fuzzing found, and a short run of fresh mutations. */
import { Random } from "../random.ts";
import { mutate } from "./mutate.ts";
import { targets } from "./targets.ts";

const MUTATIONS = 300;

for (const target of await targets()) {
  const folder = new URL(`corpus/${target.name}/`, import.meta.url);
  for (const name of files(folder)) {
    Deno.test(`fuzz ${target.name} holds for corpus/${target.name}/${name}`, () => {
      target.run(Deno.readFileSync(new URL(name, folder)));
    });
  }

  Deno.test(`fuzz ${target.name} holds for its seeds and ${MUTATIONS} mutations of them`, () => {
    const random = new Random(20_261_124);
    for (const seed of target.seeds) target.run(seed);
    for (let i = 0; i < MUTATIONS; i++) {
      target.run(mutate(random, random.pick(target.seeds), target.seeds));
    }
  });
}

function files(folder: URL): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
