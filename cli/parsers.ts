/**
 * `parley parsers list` and `parley parsers test`.
 *
 * @module
 */
import { ParleyError } from "../proxylib/mod.ts";
import { escapeLines } from "../policy/problem.ts";
import { readVectors } from "../proxylib/testkit/mod.ts";
import { vectorsOf } from "../proxy/registry/discover.ts";
import type { ParserStatus } from "../proxy/registry/registry.ts";
import { findSidecar, type SidecarOption } from "./admin_client.ts";
import { EXIT_FAILED, UsageError } from "./exit.ts";
import { readFile } from "./files.ts";
import {
  findParser,
  type LoadedParsers,
  withParsers,
} from "./loaded_parsers.ts";
import { tableLines } from "./table.ts";

interface FolderOption {
  readonly folder: readonly string[];
  readonly portable?: boolean;
}

/** Lists the parsers of the running sidecar, or those that would serve where none is; 1 if one does not load. */
export async function list(
  { folder, portable, json = false, ...option }:
    & FolderOption
    & SidecarOption
    & { json?: boolean },
): Promise<number> {
  const isOfFolders = folder.length > 0 || portable;
  const named = option.socket === undefined ? "--admin" : "--socket";
  if (isOfFolders && (option.socket ?? option.admin) !== undefined) {
    throw new UsageError(
      `${named} excludes --folder and --portable: a sidecar has its own parsers`,
    );
  }
  const sidecar = isOfFolders ? undefined : await findSidecar(option);
  if (sidecar !== undefined) {
    const { listRunning } = await import("./parsers_running.ts");
    return await listRunning(sidecar, json);
  }
  if (!isOfFolders) {
    console.error(
      "parley: no sidecar runs; these are the built-in parsers as they stand on disk",
    );
  }
  const parsers = await withParsers(
    { folders: folder, portable },
    ({ status }) => Promise.resolve(status),
  );
  if (json) console.log(JSON.stringify(parsers, null, 2));
  else for (const line of table(parsers)) console.log(line);
  return parsers.some(({ refused }) => refused) ? EXIT_FAILED : 0;
}

/** Runs vectors; 1 if one fails. The last line is `N passed, N failed`. */
export function test(
  name: string,
  { folder, portable, vectors }: FolderOption & { vectors?: string },
): Promise<number> {
  return withParsers({ folders: folder, portable }, async (parsers) => {
    const parser = findParser(parsers.status, name);
    const file = vectors ?? await shippedVectors(parser);
    const written = parseVectors(file, await readFile(file));
    const failed = await runVectors(parsers, name, written);
    return failed > 0 ? EXIT_FAILED : 0;
  });
}

/** A vector, as it stands in its file. */
interface Written {
  readonly name: string;
  readonly line: string;
}

function parseVectors(file: string, text: string): Written[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  try {
    return readVectors(file, text).map(({ name }, index) => {
      return { name, line: lines[index]! };
    });
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

async function runVectors(
  parsers: LoadedParsers,
  parser: string,
  vectors: readonly Written[],
): Promise<number> {
  let failed = 0;
  for (const { name, line } of vectors) {
    const differences = await parsers.ask(parser, { type: "vector", line });
    if (differences.length === 0) {
      console.log(`ok      ${name}`);
    } else {
      failed++;
      console.log(`FAILED  ${name}`);
      for (const difference of differences) {
        console.log(`  ${escapeLines(difference)}`);
      }
    }
  }
  console.log(`${vectors.length - failed} passed, ${failed} failed`);
  return failed;
}

async function shippedVectors(
  { name, file }: ParserStatus,
): Promise<string> {
  const path = vectorsOf(file);
  const there = await Deno.stat(path).catch(() => undefined);
  if (there?.isFile) return path;
  throw new UsageError(
    `${name} ships no vectors (${path}); name a file with --vectors`,
  );
}

function table(parsers: readonly ParserStatus[]): string[] {
  const rows = [
    ["NAME", "VERSION", "FROM", "DESCRIPTION"],
    ...parsers.map(({ name, version, builtIn, file, refused, description }) => [
      name,
      version ?? "-",
      builtIn ? "built in" : file,
      refused === undefined ? description ?? "" : `refused: ${refused}`,
    ]),
  ];
  return tableLines(rows);
}
