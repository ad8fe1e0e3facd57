/**
 * What the budget checks cost that the stager puts into every loop and function
 * of a parser: requests as in `request_bench.ts`, read by the parsers as they
 * are written, and by what is staged of them.
 */
import type { ParserDefinition } from "parley/proxylib";
import memcache from "../parsers/memcache/mod.ts";
import r2d2 from "../parsers/r2d2.ts";
import { stageParser } from "../proxy/checker/stage_parser.ts";
import { discover, textsOf } from "../proxy/registry/discover.ts";
import { limitCalls } from "../proxy/sandbox/meter.ts";
import { stagedPath } from "../proxy/sandbox/staged_path.ts";
import { connect } from "./session.ts";
import { repeated, workloads } from "./workloads.ts";

const PARSERS = new URL("../parsers", import.meta.url).pathname;
const DEPTH = 64;

/** Stages all built-in parsers into a folder; two of them, loaded. */
async function staged(folder: string) {
  const texts = await textsOf(PARSERS);
  const entries = new Map<string, string>();
  for (const source of await discover(PARSERS)) {
    const { files, error } = stageParser(source, texts);
    if (!files) throw new Error(error);
    entries.set(source.name, `${folder}/${stagedPath(source.entry)}`);
    for (const [path, code] of Object.entries(files)) {
      const file = `${folder}/${path}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), {
        recursive: true,
      });
      await Deno.writeTextFile(file, code);
    }
  }
  const load = async (name: string): Promise<ParserDefinition> =>
    (await import(`file://${entries.get(name)}`)).default;
  return { memcache: await load("memcache"), r2d2: await load("r2d2") };
}

const folder = await Deno.makeTempDir({ prefix: "parley-bench-" });
limitCalls(20); // as a worker does
const versions = [
  { name: "as written", loaded: { memcache, r2d2 } },
  { name: "with checks", loaded: await staged(folder) },
];
await Deno.remove(folder, { recursive: true });

for (const { name, loaded } of versions) {
  for (const workload of workloads(loaded)) {
    const session = connect(workload);
    const requests = repeated(workload.request, DEPTH);
    const replies = repeated(workload.reply, DEPTH);
    Deno.bench({
      name: `${workload.name}, ${name}: ${DEPTH} requests`,
      group: `budget: ${workload.name}`,
      baseline: name === "as written",
      fn() {
        session.feed(false, requests, false);
        session.feed(true, replies, false);
      },
    });
  }
}
