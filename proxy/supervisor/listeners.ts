/**
 * The listeners of a configuration: their sockets, and what became of each.
 *
 * @module
 */
import type { ListenerState } from "../administered.ts";
import type { ListenerConfig } from "../config/mod.ts";
import type { OperatorLog } from "../sidecar.ts";
import { thrownText } from "../thrown.ts";
import type { Sockets } from "../transport/epoll/sockets.ts";
import { bindListener, type BoundSocket, isSameSocket } from "./listening.ts";
import type { Workers } from "./workers.ts";

/** Sockets that are bound, and listeners that could not be. */
export class Listeners {
  readonly #sockets: Sockets;
  readonly #log: OperatorLog;
  #bound: BoundSocket[] = [];
  /** Why a listener is not bound, by its name. */
  #faults = new Map<string, string>();

  constructor(sockets: Sockets, log: OperatorLog) {
    this.#sockets = sockets;
    this.#log = log;
  }

  get bound(): readonly BoundSocket[] {
    return this.#bound;
  }

  /** What became of those that are configured. */
  states(configured: readonly ListenerConfig[]): ListenerState[] {
    return configured.map(({ name, direction, l7proto }) => {
      const bound = this.#bound.find(({ listener }) => listener.name === name);
      const fault = this.#faults.get(name);
      return {
        name,
        direction,
        state: bound ? "up" : "down",
        ...(bound ? { address: bound.address } : {}),
        ...(l7proto === undefined ? {} : { l7proto }),
        ...(fault === undefined ? {} : { error: fault }),
      };
    });
  }

  /** Binds all. @throws {ParleyError} when one cannot be */
  async bind(configured: readonly ListenerConfig[]): Promise<void> {
    for (const listener of configured) {
      this.#bound.push(await bindListener(this.#sockets, listener));
    }
  }

  /**
   * Follows another configuration: sockets whose address stays are kept, with
   * what waits in their queues. Those that are gone are the answer: the caller
   * closes them. `workers`: they follow at once.
   */
  async rebind(
    configured: readonly ListenerConfig[],
    workers: Workers | undefined,
  ): Promise<BoundSocket[]> {
    const before = this.#bound;
    const next: BoundSocket[] = [];
    this.#faults = new Map();
    for (const listener of configured) {
      const old = before.find((bound) =>
        isSameSocket(bound.listener, listener) && !next.includes(bound)
      );
      if (old && isSame(old.listener, listener)) {
        next.push(old);
        continue;
      }
      try {
        const bound = old
          ? { ...old, listener }
          : await bindListener(this.#sockets, listener);
        next.push(bound);
        if (workers) await tellOfListener(workers, bound, old);
        this.#log.info(`listener ${listener.name} at ${bound.address}`);
      } catch (error) {
        this.#faults.set(listener.name, thrownText(error));
        this.#log.warn(thrownText(error));
      }
    }
    const gone = before.filter(({ descriptor }) =>
      !next.some((bound) => bound.descriptor === descriptor)
    );
    for (const { listener } of gone) {
      await workers?.tell({ type: "unlisten", name: listener.name });
    }
    this.#bound = next;
    return gone;
  }

  close(sockets: readonly BoundSocket[] = this.#bound): void {
    for (const { descriptor } of sockets) this.#sockets.close(descriptor);
    if (sockets === this.#bound) this.#bound = [];
  }
}

async function tellOfListener(
  workers: Workers,
  { listener, descriptor }: BoundSocket,
  old: BoundSocket | undefined,
): Promise<void> {
  if (old) await workers.tell({ type: "unlisten", name: old.listener.name });
  await workers.tell({ type: "listen", listener }, descriptor);
}

function isSame(a: ListenerConfig, b: ListenerConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
