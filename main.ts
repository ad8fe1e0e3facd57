/**
 * Parley's command line: reads the arguments and picks a command.
 *
 * @module
 */
import { explain } from "./cli/explain.ts";
import { plainRun } from "./cli/plain_run.ts";

async function main(args: readonly string[]): Promise<number> {
  const options = plainRun(args);
  if (!options) {
    const { runCommandLine } = await import("./cli/command_line.ts");
    return await runCommandLine(args);
  }
  try {
    const { run } = await import("./cli/run.ts");
    return await run(options);
  } catch (error) {
    return explain(error);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
