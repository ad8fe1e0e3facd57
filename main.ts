/**
 * Parley's command line: reads the arguments and picks a command.
 *
 * @module
 */
import { runCommandLine } from "./cli/command_line.ts";

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args));
