/**
 * The supervisor's own program: what `parley run` becomes on Linux. Its
 * argument is a folder of its own, in which it finds what to run.
 *
 * @module
 */
import type { Config } from "../proxy/config/mod.ts";
import { Supervisor } from "../proxy/supervisor/supervisor.ts";
import { thrownText } from "../proxy/thrown.ts";
import { BUILT_IN_PARSERS, EXIT_FAILED, PROGRAM } from "./exit.ts";
import { createOperatorLog } from "./operator_log.ts";
import { serve } from "./serve.ts";

/** What the command line has read. */
export interface Supervised {
  readonly config: Config;
  /** The configuration's file, to be read again at SIGHUP. */
  readonly file?: string;
}

/** How long reading the configuration may take, on a machine that is busy too. */
const READ_MS = 30_000;
const READER = new URL("read_config.ts", import.meta.url);

async function supervise(folder: string): Promise<void> {
  const { config, file }: Supervised = JSON.parse(
    await Deno.readTextFile(`${folder}/supervised.json`),
  );
  const log = createOperatorLog(config.log.level);
  const start = (stopping: AbortSignal) =>
    Supervisor.start(config, {
      builtInParsers: BUILT_IN_PARSERS,
      program: PROGRAM,
      folder,
      log,
      stopping,
    });
  // However it ends but for being killed, also at a second Ctrl-C.
  globalThis.addEventListener("unload", () => {
    Deno.removeSync(folder, { recursive: true });
  });
  await serve(log, config, start, () => readAgain(config, file));
  Deno.exit(0); // a reader of the configuration may hang
}

/** The configuration as it is written now, read in a process of its own; nothing if it is wrong, which has then been said. */
async function readAgain(
  config: Config,
  file: string | undefined,
): Promise<Config | undefined> {
  if (file === undefined) return config;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--cached-only",
      `--config=${PROGRAM}`,
      "--allow-read",
      "--allow-env", // the YAML reader looks for switches of its own
      READER.href,
      file,
    ],
    stdin: "null",
    stderr: "inherit",
    signal: AbortSignal.timeout(READ_MS),
  }).output();
  return success ? JSON.parse(new TextDecoder().decode(stdout)) : undefined;
}

try {
  await supervise(Deno.args[0]!);
} catch (error) {
  console.error(`parley: ${thrownText(error)}`);
  Deno.exit(EXIT_FAILED);
}
