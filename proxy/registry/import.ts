/**
 * Imports staged versions of parsers.
 *
 * @module
 */
import type { ParserVersion } from "../control/messages.ts";
import { stagedPath } from "../sandbox/staged_path.ts";
import { importParser } from "./load.ts";
import { ParserUsage } from "../parser_usage.ts";
import type { LoadedParser } from "./registry.ts";

/** @throws {ParleyError} that speaks of the author's own file */
export async function importVersion(
  { name, version, folder, entry, snapshot }: ParserVersion,
  usage = new ParserUsage(0),
): Promise<LoadedParser> {
  const source = { name, folder, entry };
  const definition = await importParser(
    `${snapshot}/${stagedPath(entry)}`,
    source,
  );
  return { name, version, definition, usage };
}
