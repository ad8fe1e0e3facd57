/**
 * Compiles the C programs of this folder, once for each version of their text.
 *
 * @module
 */
import { cached } from "../../tests/setup/cache.ts";
import { missing, onPath, output } from "../../tests/setup/tool.ts";
import type { Missing, Tool } from "../../tests/setup/mod.ts";

const FOLDER = new URL("./", import.meta.url);
const FLAGS = ["-O2", "-Wall", "-Wextra"];

/** The pass-through proxy that costs the least. */
export function floorProxy(): Promise<Tool | Missing> {
  return compiled("floor", ["floor.c"]);
}

/** The load generator; `load.c` tells its options. */
export function loadGenerator(): Promise<Tool | Missing> {
  return compiled("load", [
    "load.c",
    "clocks.h",
    "histogram.h",
    "load_options.h",
    "workload.h",
    "cassandra.h",
  ]);
}

/** What answers Cassandra's load. */
export function cassandraUpstream(): Promise<Tool | Missing> {
  return compiled("cassandra_upstream", [
    "cassandra_upstream.c",
    "cassandra.h",
  ]);
}

/** The program of the first source; the others are what it includes. */
async function compiled(
  name: string,
  sources: readonly string[],
): Promise<Tool | Missing> {
  const compiler = onPath("cc");
  if (!compiler) return missing(`${name} cannot be built: cc is not on PATH`);
  try {
    const folder = await cached(
      `bench-${name}-${await digest(sources)}`,
      async (draft) => {
        const source = new URL(sources[0]!, FOLDER).pathname;
        await output(compiler, [...FLAGS, "-o", `${draft}/${name}`, source]);
      },
    );
    return { kind: "tool", command: `${folder}/${name}`, env: {} };
  } catch (error) {
    return missing(`${name} cannot be built: ${(error as Error).message}`);
  }
}

async function digest(sources: readonly string[]): Promise<string> {
  const texts = sources.map((file) => Deno.readTextFile(new URL(file, FOLDER)));
  const text = [...FLAGS, ...await Promise.all(texts)].join("\0");
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(hash).toHex().slice(0, 12);
}
