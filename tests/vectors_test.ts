/**
 * Replays the vectors handed down with the project, `vectors/PROTOCOL-*.jsonl`
 * in the shared folder beside it, or where PARLEY_SHARED points. What upstream
 * gets right must stay right, and what it gets wrong must not come back.
 *
 * What cannot run is skipped by name, with the reason.
 */
import type { ParserDefinition } from "parley/proxylib";
import { checkCase } from "parley/testkit";
import { readVectors } from "../proxylib/testkit/mod.ts";

const ROOT = new URL("../", import.meta.url);
const FILES = [
  "cassandra-agreed.jsonl",
  "cassandra-traps.jsonl",
  "memcache-agreed.jsonl",
  "memcache-traps.jsonl",
  "r2d2-agreed.jsonl",
  "r2d2-traps.jsonl",
];

function sharedFolder(): URL {
  const elsewhere = Deno.env.get("PARLEY_SHARED");
  return elsewhere
    ? new URL(`file://${elsewhere.replace(/\/*$/, "/")}vectors/`)
    : new URL("../shared/vectors/", ROOT);
}

/** Undefined when there is no such file or folder. */
function read<T>(reader: () => T): T | undefined {
  try {
    return reader();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function load(l7proto: string): Promise<ParserDefinition | undefined> {
  for (const path of [`parsers/${l7proto}.ts`, `parsers/${l7proto}/mod.ts`]) {
    const module = new URL(path, ROOT);
    if (read(() => Deno.statSync(module))) {
      return (await import(module.href)).default;
    }
  }
  return undefined;
}

function skip(name: string, reason: string): void {
  Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn() {} });
}

function run(file: string, definition: ParserDefinition, text: string): void {
  for (const vector of readVectors(file, text)) {
    const name = `${file}: ${vector.name}`;
    Deno.test(name, () => {
      const differences = checkCase(definition, vector);
      if (differences.length > 0) throw new Error(differences.join("\n"));
    });
  }
}

const folder = sharedFolder();
const present = read(() => [...Deno.readDirSync(folder)]) ?? [];
const others = present.map(({ name }) => name)
  .filter((name) => name.endsWith(".jsonl") && !FILES.includes(name));

for (const file of [...FILES, ...others]) {
  const l7proto = file.split("-", 1)[0]!;
  const text = read(() => Deno.readTextFileSync(new URL(file, folder)));
  const definition = await load(l7proto);
  if (text === undefined) skip(file, "the shared vectors are not here");
  else if (!definition) skip(file, `there is no ${l7proto} parser yet`);
  else run(file, definition, text);
}
