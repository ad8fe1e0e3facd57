/**
 * Prepares the programs that Parley starts; see `proxy/sandbox/prepare.ts`. Run
 * by itself where an image is made, whose cache cannot be written to later.
 *
 * @module
 */
import { prepareOnce } from "../proxy/sandbox/prepare.ts";
import { PROGRAMS } from "../proxy/supervisor/programs.ts";
import { PROGRAM } from "./exit.ts";

/** Prepares what has changed. @throws {Error} with the runtime's own words */
export async function prepare(): Promise<void> {
  await prepareOnce({ entries: PROGRAMS, config: PROGRAM });
}

if (import.meta.main) await prepare();
