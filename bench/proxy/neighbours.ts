/**
 * Who else used the machine during a run: what cannot be kept off has to be told.
 *
 * @module
 */
import type { Processes } from "./processes.ts";
import { cpuTicks, machineTicks } from "./procfs.ts";

/** Shares of all cores' time, 0 to 1. */
export interface Disturbance {
  /** By processes that are not of this run. */
  readonly others: number;
  /** By the hypervisor. */
  readonly stolen: number;
}

/** Counts from its creation on. */
export class Neighbours {
  readonly #processes: Processes;
  readonly #machine = machineTicks();
  readonly #own: number;

  constructor(processes: Processes) {
    this.#processes = processes;
    this.#own = this.#ownTicks();
  }

  soFar(): Disturbance {
    const { busy, stolen, all } = machineTicks();
    const time = all - this.#machine.all;
    const own = this.#ownTicks() - this.#own;
    const others = busy - this.#machine.busy - own;
    return {
      others: Math.max(0, others / time),
      stolen: (stolen - this.#machine.stolen) / time,
    };
  }

  #ownTicks(): number {
    return cpuTicks([Deno.pid, ...this.#processes.ids]);
  }
}
