/**
 * Reads a configuration file for the supervisor: JSON on standard output, or
 * what is wrong on standard error.
 *
 * @module
 */
import { EXIT_FAILED } from "./exit.ts";
import { readFile } from "./files.ts";
import { parsed } from "./run.ts";

const file = Deno.args[0]!;
const config = await parsed(file, await readFile(file));
if (config) console.log(JSON.stringify(config));
else Deno.exit(EXIT_FAILED);
