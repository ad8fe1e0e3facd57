/**
 * `parley run`: the sidecar, until it is told to stop.
 *
 * @module
 */
import { stringify } from "yaml";
import { formatProblem } from "../policy/mod.ts";
import { type Config, parseConfig } from "../proxy/config/mod.ts";
import { type OperatorLog, Sidecar } from "../proxy/sidecar.ts";
import { formatAddress } from "../proxy/transport/transport.ts";
import { thrownText } from "../proxy/thrown.ts";
import { BUILT_IN_PARSERS, EXIT_FAILED, UsageError } from "./exit.ts";
import { readFile } from "./files.ts";
import { createOperatorLog } from "./operator_log.ts";

/** What `--help` lists. */
export interface RunOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly upstream?: string;
  readonly l7proto?: string;
  readonly portable?: boolean;
}

/** Runs until SIGTERM or SIGINT; the exit code. */
export async function run(options: RunOptions): Promise<number> {
  const config = await readConfig(options);
  if (!config) return EXIT_FAILED;
  const log = await createOperatorLog();
  // A parser in this process may leave a promise behind; that must end nobody's connection.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.warn(`a promise was rejected unseen: ${thrownText(event.reason)}`);
  });
  // Whoever sees that a listener is there may send a signal at once.
  using signals = new Signals();
  const sidecar = await Sidecar.start(config, {
    builtInParsers: BUILT_IN_PARSERS,
    log,
  });
  announce(sidecar, log);
  const signal = await signals.untilStop(sidecar);
  log.info(
    `${signal}: no new connections; ${sidecar.connections} are open and may finish`,
  );
  await sidecar.drain();
  return 0;
}

function announce(sidecar: Sidecar, log: OperatorLog): void {
  log.info(
    "the portable transport runs parsers in this process, without a sandbox: load only parsers that you trust",
  );
  for (const { config, address } of sidecar.listeners) {
    const proto = config.l7proto ? ` as ${config.l7proto}` : "";
    log.info(
      `listener ${config.name} (${config.direction}) at ${address}, upstream ${
        formatAddress(config.upstream)
      }${proto}`,
    );
  }
}

/** What the operator asks for: SIGTERM and SIGINT stop, SIGHUP reads again. */
class Signals implements Disposable {
  readonly #stop = Promise.withResolvers<Deno.Signal>();
  readonly #handlers: [Deno.Signal, () => void][] = [];
  #sidecar: Sidecar | undefined;
  #stopping = false;

  constructor() {
    this.#on("SIGTERM", () => this.#onStop("SIGTERM"));
    this.#on("SIGINT", () => {
      if (this.#stopping) Deno.exit(EXIT_FAILED); // a second Ctrl-C waits for nobody
      this.#onStop("SIGINT");
    });
    this.#on("SIGHUP", () => {
      this.#sidecar?.reopenLog();
      void this.#sidecar?.reload();
    });
  }

  untilStop(sidecar: Sidecar): Promise<Deno.Signal> {
    this.#sidecar = sidecar;
    return this.#stop.promise;
  }

  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#handlers) {
      Deno.removeSignalListener(signal, handler);
    }
  }

  #on(signal: Deno.Signal, handler: () => void): void {
    Deno.addSignalListener(signal, handler);
    this.#handlers.push([signal, handler]);
  }

  #onStop(signal: Deno.Signal): void {
    this.#stopping = true;
    this.#stop.resolve(signal);
  }
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
  const file = options.config ?? await defaultFile();
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

function parsed(file: string, text: string): Config | undefined {
  const { config, problems } = parseConfig(file, text);
  for (const problem of problems) console.error(formatProblem(problem));
  const noListener = config?.listeners.length === 0;
  if (noListener) {
    console.error(`${file}:1:1: there is no listener: add one under listeners`);
  }
  return noListener ? undefined : config;
}

async function defaultFile(): Promise<string | undefined> {
  const there = await Deno.stat("parley.yaml").catch(() => undefined);
  return there?.isFile ? "parley.yaml" : undefined;
}
