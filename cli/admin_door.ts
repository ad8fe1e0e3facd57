/**
 * The listeners of a sidecar's admin API, where its configuration has them.
 *
 * @module
 */
import { AdminServer, type Entrance, listenUnix } from "../admin/server.ts";
import type { Administered } from "../proxy/administered.ts";
import type { Config } from "../proxy/config/model.ts";
import type { OperatorLog } from "../proxy/sidecar.ts";
import { thrownText } from "../proxy/thrown.ts";

/** Opens the listeners, and moves them. A sidecar without one guards its workload all the same. */
export class AdminDoor implements AsyncDisposable {
  readonly #unix: Door;
  readonly #tcp: Door;
  readonly #log: OperatorLog;

  constructor(sidecar: Administered, log: OperatorLog) {
    this.#log = log;
    this.#unix = new Door("admin socket", sidecar, log);
    this.#tcp = new Door("admin API", sidecar, log);
  }

  /** Follows a configuration. Never rejects. */
  async follow({ admin }: Config): Promise<void> {
    const { unix, listen, tls, tokenFile, hosts } = admin;
    await this.#unix.follow([unix], () => listenUnix(unix));
    if (!listen) return await this.#tcp.close();
    const settings = {
      listen,
      hosts,
      ...(tls ? { tls } : {}),
      ...(tokenFile === undefined ? {} : { tokenFile }),
    };
    await this.#tcp.follow(settings, async (changed) => {
      // Loaded where it is configured.
      const { listenTcp } = await import("../admin/tcp.ts");
      return await listenTcp(settings, {
        changed,
        warn: (message) => this.#log.warn(message),
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#unix.close(), this.#tcp.close()]);
  }
}

/** Opens a listener; it is given what to call when it is to be opened anew. */
type Open = (changed: () => void) => Promise<Entrance>;

/** One of them. */
class Door {
  readonly #what: string;
  readonly #sidecar: Administered;
  readonly #log: OperatorLog;
  #server: AdminServer | undefined;
  /** What it was opened with, as JSON. */
  #wanted = "";
  #turn: Promise<void> = Promise.resolve();

  constructor(what: string, sidecar: Administered, log: OperatorLog) {
    this.#what = what;
    this.#sidecar = sidecar;
    this.#log = log;
  }

  /** Opens it anew where it is closed, or `wanted` is something else. Never rejects. */
  follow(wanted: object, open: Open): Promise<void> {
    return this.#inTurn(async () => {
      const text = JSON.stringify(wanted);
      if (this.#server && this.#wanted === text) return;
      this.#wanted = text;
      await this.#reopen(open);
    });
  }

  async #reopen(open: Open): Promise<void> {
    await this.#close();
    try {
      const entrance = await open(() => {
        void this.#inTurn(() => this.#reopen(open));
      });
      this.#server = new AdminServer(entrance, this.#sidecar);
      this.#log.info(`${this.#what} at ${entrance.name}`);
    } catch (error) {
      this.#log.warn(`there is no ${this.#what}: ${thrownText(error)}`);
    }
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    return this.#turn = this.#turn.then(act);
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.[Symbol.asyncDispose]();
  }
}
