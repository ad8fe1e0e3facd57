/**
 * The listener that checks the workload's ports, where the configuration has it.
 *
 * @module
 */
import type { PortChecks } from "../admin/port_checks.ts";
import type { Config } from "../proxy/config/model.ts";
import type { OperatorLog } from "../proxy/sidecar.ts";
import { formatAddress } from "../proxy/transport/transport.ts";
import { thrownText } from "../proxy/thrown.ts";

/** Opens the listener, and moves it. A sidecar without one guards its workload all the same. */
export class PortCheckDoor implements AsyncDisposable {
  readonly #log: OperatorLog;
  #checks: PortChecks | undefined;
  #wanted: string | undefined;

  constructor(log: OperatorLog) {
    this.#log = log;
  }

  /** Follows a configuration. Never rejects. */
  async follow({ portChecks }: Config): Promise<void> {
    const wanted = JSON.stringify(portChecks);
    if (wanted === this.#wanted) return;
    await this[Symbol.asyncDispose]();
    this.#wanted = wanted;
    if (!portChecks) return;
    try {
      const { PortChecks } = await import("../admin/port_checks.ts");
      this.#checks = new PortChecks(portChecks);
      const address = { ...this.#checks.address, transport: "tcp" as const };
      this.#log.info(`port checks at ${formatAddress(address)}`);
    } catch (error) {
      this.#wanted = undefined;
      this.#log.warn(`there are no port checks: ${thrownText(error)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checks?.[Symbol.asyncDispose]();
    this.#checks = undefined;
  }
}
