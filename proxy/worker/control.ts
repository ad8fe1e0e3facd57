/**
 * The worker's end of the control channel, in its event loop.
 *
 * @module
 */
import type { FromWorker, ToWorker } from "../control/messages.ts";
import type { Channel } from "../linux/channel.ts";
import type { Loop } from "../transport/epoll/loop.ts";
import { LoopChannel } from "./loop_channel.ts";

/** An order, and the descriptor that came with it. */
export interface Order {
  readonly order: ToWorker;
  readonly descriptor: number | undefined;
}

/** Orders that carry a descriptor. */
const WITH_DESCRIPTOR: ReadonlySet<ToWorker["type"]> = new Set([
  "listen",
  "log",
  "copy-log",
  "hand-over",
  "take-over",
]);

/** Receives orders, and sends reports without ever waiting. */
export class Control {
  readonly #channel: LoopChannel<FromWorker, ToWorker>;
  readonly #orders: Order[] = [];
  #isLost = false;

  constructor(loop: Loop, channel: Channel) {
    this.#channel = new LoopChannel(loop, channel, {
      message: (order, take) => {
        const descriptor = WITH_DESCRIPTOR.has(order.type) ? take() : undefined;
        this.#orders.push({ order, descriptor });
      },
      lost: () => this.#isLost = true,
    });
  }

  /** The supervisor is gone. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Whether orders wait. */
  get hasOrders(): boolean {
    return this.#orders.length > 0;
  }

  /** Whether everything was sent. */
  get isFlushed(): boolean {
    return this.#channel.isFlushed;
  }

  /** The next order. */
  take(): Order | undefined {
    return this.#orders.shift();
  }

  send(report: FromWorker): void {
    this.#channel.send(report);
  }
}
