/**
 * The admin socket of a sidecar, where its configuration has it.
 *
 * @module
 */
import { AdminSocket } from "../admin/server.ts";
import type { Administered } from "../proxy/administered.ts";
import type { Config } from "../proxy/config/model.ts";
import type { OperatorLog } from "../proxy/sidecar.ts";
import { thrownText } from "../proxy/thrown.ts";

/** Opens the socket, and moves it. A sidecar without one guards its workload all the same. */
export class AdminDoor implements AsyncDisposable {
  readonly #sidecar: Administered;
  readonly #log: OperatorLog;
  #socket: AdminSocket | undefined;
  #wanted: string | undefined;

  constructor(sidecar: Administered, log: OperatorLog) {
    this.#sidecar = sidecar;
    this.#log = log;
  }

  /** Follows a configuration. Never rejects. */
  async follow({ admin: { unix } }: Config): Promise<void> {
    if (this.#socket && this.#wanted === unix) return;
    await this.#socket?.[Symbol.asyncDispose]();
    this.#socket = undefined;
    this.#wanted = unix;
    try {
      this.#socket = await AdminSocket.open(unix, this.#sidecar);
      this.#log.info(`admin socket at ${this.#socket.path}`);
    } catch (error) {
      this.#log.warn(`there is no admin socket: ${thrownText(error)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket?.[Symbol.asyncDispose]();
  }
}
