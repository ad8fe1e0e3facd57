/**
 * A running sidecar, until it is told to stop.
 *
 * @module
 */
import type { Administered } from "../proxy/administered.ts";
import type { Config } from "../proxy/config/model.ts";
import type { BoundListener, OperatorLog } from "../proxy/sidecar.ts";
import { formatAddress } from "../proxy/transport/transport.ts";
import { thrownText } from "../proxy/thrown.ts";
import { AdminDoor } from "./admin_door.ts";
import { EXIT_FAILED } from "./exit.ts";
import { PortCheckDoor } from "./port_check_door.ts";

/** What both kinds of sidecar do. */
export interface Running {
  /** Counts open connections. */
  countConnections(): Promise<number>;
  readonly listeners: readonly BoundListener[];
  reopenLog(): void | Promise<void>;
  reconfigure(config: Config): Promise<void>;
  /** What its operator may see and do. */
  readonly administered: Administered;
  drain(): Promise<void>;
}

/**
 * Serves until SIGTERM or SIGINT. `start` is called when signals are heard
 * already: whoever sees that a listener is there may send one at once. `config`:
 * what it starts with; `read`: the configuration as it is written now, for
 * SIGHUP; nothing if it is wrong, which has then been said.
 */
export async function serve(
  log: OperatorLog,
  config: Config,
  start: (stopping: AbortSignal) => Promise<Running>,
  read: () => Promise<Config | undefined>,
): Promise<void> {
  using signals = new Signals(log, read);
  const sidecar = await orStopped(start, signals.stopping);
  if (!sidecar) return log.info("told to stop before it had begun");
  await using admin = new AdminDoor(sidecar.administered, log);
  await using checks = new PortCheckDoor(log);
  await Promise.all([admin.follow(config), checks.follow(config)]);
  announce(sidecar, log);
  collectGarbage();
  const signal = await signals.untilStop(sidecar, [admin, checks]);
  const open = await sidecar.countConnections();
  log.info(`${signal}: no new connections; ${open} are open and may finish`);
  await sidecar.drain();
}

/** Nothing if it was told to stop while it waited for something. */
async function orStopped(
  start: (stopping: AbortSignal) => Promise<Running>,
  stopping: AbortSignal,
): Promise<Running | undefined> {
  try {
    return await start(stopping);
  } catch (error) {
    if (error === stopping.reason) return undefined;
    throw error;
  }
}

/** What starting has left behind, where a flag lets us. */
function collectGarbage(): void {
  const { gc } = globalThis as { gc?: (options: object) => void };
  gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}

function announce(sidecar: Running, log: OperatorLog): void {
  for (const { config, address } of sidecar.listeners) {
    const proto = config.l7proto ? ` as ${config.l7proto}` : "";
    log.info(
      `listener ${config.name} (${config.direction}) at ${address}, upstream ${
        config.upstream === "original-dst"
          ? config.upstream
          : formatAddress(config.upstream)
      }${proto}`,
    );
  }
}

/** Listens where the configuration says. */
interface Door {
  follow(config: Config): Promise<void>;
}

/** What the operator asks for: SIGTERM and SIGINT stop, SIGHUP reads everything again. */
class Signals implements Disposable {
  readonly #stop = Promise.withResolvers<Deno.Signal>();
  readonly #abort = new AbortController();
  readonly #handlers: [Deno.Signal, () => void][] = [];
  #sidecar: Running | undefined;
  #doors: readonly Door[] = [];
  #stopping = false;
  #reading: Promise<void> | undefined;
  #isAsked = false;

  /** @param read the configuration as it is written now */
  constructor(log: OperatorLog, read: () => Promise<Config | undefined>) {
    this.#on("SIGTERM", () => this.#onStop("SIGTERM"));
    this.#on("SIGINT", () => {
      if (this.#stopping) Deno.exit(EXIT_FAILED); // a second Ctrl-C waits for nobody
      this.#onStop("SIGINT");
    });
    this.#on("SIGHUP", () => {
      void this.#sidecar?.reopenLog();
      this.#reread(log, read);
    });
  }

  /** Aborted when it is to stop. */
  get stopping(): AbortSignal {
    return this.#abort.signal;
  }

  untilStop(
    sidecar: Running,
    doors: readonly Door[],
  ): Promise<Deno.Signal> {
    this.#sidecar = sidecar;
    this.#doors = doors;
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

  /** One reading at a time, and one more for all that is asked for meanwhile: the last that is written wins. */
  #reread(log: OperatorLog, read: () => Promise<Config | undefined>): void {
    this.#isAsked = true;
    this.#reading ??= (async () => {
      while (this.#isAsked && !this.#stopping) {
        this.#isAsked = false;
        const config = await read();
        if (!config) continue;
        await this.#sidecar?.reconfigure(config);
        for (const door of this.#doors) await door.follow(config);
      }
    })().catch((error) =>
      log.warn(`cannot read the configuration: ${thrownText(error)}`)
    ).finally(() => this.#reading = undefined);
  }

  #onStop(signal: Deno.Signal): void {
    this.#stopping = true;
    this.#abort.abort();
    this.#stop.resolve(signal);
  }
}
