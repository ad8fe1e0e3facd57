/**
 * `parley run`: the sidecar, until it is told to stop.
 *
 * @module
 */
import { stringify } from "yaml";
import { formatProblem } from "../policy/problem.ts";
import { type Config, parseConfig } from "../proxy/config/mod.ts";
import { thrownPlace } from "../proxy/thrown.ts";
import { BUILT_IN_PARSERS, EXIT_FAILED, UsageError } from "./exit.ts";
import { readFile } from "./files.ts";
import { withPodInfo } from "./pod_info.ts";

/** What `--help` lists. */
export interface RunOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly upstream?: string;
  readonly l7proto?: string;
  readonly portable?: boolean;
}

/** Runs until SIGTERM or SIGINT; the exit code. On Linux this process becomes the supervisor. */
export async function run(options: RunOptions): Promise<number> {
  const config = await readConfig(options);
  if (!config) return EXIT_FAILED;
  if (isPortable(config, options)) await runPortable(config, options);
  else {
    const { becomeSupervisor } = await import("./become_supervisor.ts");
    await becomeSupervisor(config, await fileOf(options));
  }
  return 0;
}

function isPortable({ data }: Config, { portable }: RunOptions): boolean {
  const isElsewhere = data.transport === "auto" && Deno.build.os !== "linux";
  return portable || data.transport === "portable" || isElsewhere;
}

async function runPortable(config: Config, options: RunOptions): Promise<void> {
  // Loaded here: on Linux nobody waits for them.
  const { Sidecar } = await import("../proxy/sidecar.ts");
  const { createOperatorLog } = await import("./operator_log.ts");
  const { serve } = await import("./serve.ts");
  const log = createOperatorLog(config.log.level);
  // A parser in this process may leave a promise behind; that must end nobody's connection.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.warn(
      `a promise was rejected unseen, made ${thrownPlace(event.reason)}`,
    );
  });
  log.info(
    "the portable transport runs parsers in this process, without a sandbox: load only parsers that you trust",
  );
  if (config.dns) {
    log.warn(
      "the portable transport has no process for DNS: toFQDNs select nobody",
    );
  }
  await serve(
    log,
    config,
    () => Sidecar.start(config, { builtInParsers: BUILT_IN_PARSERS, log }),
    () => readConfig(options),
  );
}

/** The configuration of the file or of the flags; nothing if it is wrong, which has then been said. */
async function readConfig(options: RunOptions): Promise<Config | undefined> {
  const { listen, upstream, l7proto } = options;
  const byFlags = listen ?? upstream ?? l7proto;
  if (byFlags !== undefined && options.config !== undefined) {
    throw new UsageError(
      "--config and --listen, --upstream, --l7proto exclude each other; write the listener in the file",
    );
  }
  if (byFlags !== undefined) return configOfFlags(options);
  const file = await fileOf(options);
  if (file === undefined) {
    throw new UsageError(
      "there is nothing to run; give --config FILE, or --listen ADDRESS and --upstream ADDRESS",
    );
  }
  return parsed(file, await readFile(file));
}

function configOfFlags({ listen, upstream, l7proto }: RunOptions): Config {
  if (listen === undefined || upstream === undefined) {
    throw new UsageError("--listen and --upstream belong together; give both");
  }
  const listener = { listen, upstream, ...(l7proto ? { l7proto } : {}) };
  // The default port of the policy is the upstream's; a Unix socket has none.
  const port = upstream.startsWith("unix:") ? { port: 1 } : {};
  const text = stringify({ listeners: [{ ...listener, ...port }] });
  const { config, problems } = parseConfig("command line", text);
  if (config) return config;
  throw new UsageError(
    problems.map(({ message, mend }) => `${message}; ${mend}`).join("\n"),
  );
}

/** The configuration of a text; nothing if it is wrong, which has then been said. */
export async function parsed(
  file: string,
  text: string,
): Promise<Config | undefined> {
  const { config, problems } = parseConfig(file, text);
  for (const problem of problems) console.error(formatProblem(problem));
  const noListener = config?.listeners.length === 0;
  if (noListener) {
    console.error(`${file}:1:1: there is no listener: add one under listeners`);
  }
  return config && !noListener ? await withPodInfo(config) : undefined;
}

/** The file that is read, if the flags do not say all. */
async function fileOf(
  { config, listen }: RunOptions,
): Promise<string | undefined> {
  return config ?? (listen === undefined ? await defaultFile() : undefined);
}

async function defaultFile(): Promise<string | undefined> {
  const there = await Deno.stat("parley.yaml").catch(() => undefined);
  return there?.isFile ? "parley.yaml" : undefined;
}
