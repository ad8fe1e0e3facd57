/**
 * `parley parsers list` and `parley parsers test`.
 *
 * @module
 */
import { ParleyError } from "../proxylib/mod.ts";
import { readVectors, type Vector } from "../proxylib/testkit/mod.ts";
import type {
  LoadedParser,
  ParserRegistry,
  ParserStatus,
} from "../proxy/registry/registry.ts";
import { checkCase } from "../proxy/testkit.ts";
import { EXIT_FAILED, UsageError } from "./exit.ts";
import { readFile } from "./files.ts";
import { findParser, withParsers } from "./registry.ts";

interface FolderOption {
  readonly folder: readonly string[];
}

/** Lists parsers; 1 if one does not load. */
export async function list(
  { folder, json = false }: FolderOption & { json?: boolean },
): Promise<number> {
  const parsers = await withParsers(folder, (registry) => registry.status());
  if (json) console.log(JSON.stringify(parsers, null, 2));
  else for (const line of table(parsers)) console.log(line);
  return parsers.some(({ refused }) => refused) ? EXIT_FAILED : 0;
}

/** Runs vectors; 1 if one fails. The last line is `N passed, N failed`. */
export function test(
  name: string,
  { folder, vectors }: FolderOption & { vectors?: string },
): Promise<number> {
  return withParsers(folder, async (registry) => {
    const parser = findParser(registry, name);
    const file = vectors ?? await shippedVectors(registry, name);
    const failed = runVectors(parser, parseVectors(file, await readFile(file)));
    return failed > 0 ? EXIT_FAILED : 0;
  });
}

function parseVectors(file: string, text: string): Vector[] {
  try {
    return readVectors(file, text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ParleyError("Cannot use the vectors", {
      blame: "operator",
      where: file,
      found: cause.message,
      mend:
        "correct that line: it is one JSON object with the members of a vector",
    }, { cause });
  }
}

function runVectors(
  { name, definition }: LoadedParser,
  vectors: readonly Vector[],
): number {
  let failed = 0;
  for (const vector of vectors) {
    const differences = vector.l7proto === name
      ? differencesOf(definition, vector)
      : [`it is for l7proto ${vector.l7proto}, not ${name}`];
    if (differences.length === 0) {
      console.log(`ok      ${vector.name}`);
    } else {
      failed++;
      console.log(`FAILED  ${vector.name}`);
      for (const difference of differences) console.log(`  ${difference}`);
    }
  }
  console.log(`${vectors.length - failed} passed, ${failed} failed`);
  return failed;
}

function differencesOf(
  definition: LoadedParser["definition"],
  vector: Vector,
): string[] {
  try {
    return checkCase(definition, vector);
  } catch (error) {
    return [`cannot be run: ${error instanceof Error ? error.message : error}`];
  }
}

/** `NAME.vectors.jsonl` beside `NAME.ts`, or `vectors.jsonl` beside `NAME/mod.ts`. */
async function shippedVectors(
  registry: ParserRegistry,
  name: string,
): Promise<string> {
  const { file } = registry.status().find((status) => status.name === name)!;
  const path = file.endsWith("/mod.ts")
    ? file.replace(/mod\.ts$/, "vectors.jsonl")
    : file.replace(/\.ts$/, ".vectors.jsonl");
  const there = await Deno.stat(path).catch(() => undefined);
  if (there?.isFile) return path;
  throw new UsageError(
    `${name} ships no vectors (${path}); name a file with --vectors`,
  );
}

function table(parsers: readonly ParserStatus[]): string[] {
  const rows = [
    ["NAME", "VERSION", "FROM", "STATE"],
    ...parsers.map(({ name, version, builtIn, file, refused, description }) => [
      name,
      version ?? "-",
      builtIn ? "built in" : file,
      refused === undefined ? description ?? "" : `refused: ${refused}`,
    ]),
  ];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
      .trimEnd()
  );
}
