/**
 * Gives a worker's connections to the one that takes its place. Each is stopped,
 * described and offered; it leaves when the other process has it, and goes on
 * here if that cannot take it.
 *
 * @module
 */
import { toPlain } from "../control/plain_data.ts";
import type { ToPredecessor, ToSuccessor } from "../control/messages.ts";
import type { Channel } from "../linux/channel.ts";
import { thrownText } from "../thrown.ts";
import type { MovableListener } from "../transport/epoll/epoll.ts";
import type { Loop } from "../transport/epoll/loop.ts";
import type { Pair } from "../transport/epoll/pair.ts";
import type { Timed } from "../transport/epoll/timers.ts";
import { LoopChannel } from "./loop_channel.ts";

/** Connections that are neither here nor there, at most. */
const WINDOW = 16;
/** What was no moment for it is looked at again after so long. */
const AGAIN_MS = 50;

/** The old worker's side. */
export class HandOver implements Timed {
  deadline = 0;
  slot: Set<Timed> | undefined;
  readonly #loop: Loop;
  readonly #channel: LoopChannel<ToSuccessor, ToPredecessor>;
  readonly #listeners: ReadonlyMap<string, MovableListener>;
  readonly #warn: (message: string) => void;
  readonly #offered = new Map<number, Pair>();
  /** Those that stay to their end. */
  readonly #staying = new WeakSet<Pair>();
  readonly #reasons = new Map<string, number>();
  #lastNumber = 0;
  #moved = 0;
  #isLost = false;

  /** @param listeners their connections are handed over; they accept no more */
  constructor(
    loop: Loop,
    channel: Channel,
    listeners: ReadonlyMap<string, MovableListener>,
    warn: (message: string) => void,
  ) {
    this.#loop = loop;
    this.#listeners = listeners;
    this.#warn = warn;
    this.#channel = new LoopChannel(loop, channel, {
      message: (answer) => this.#on(answer),
      lost: () => this.#onLost(),
    });
    this.expire();
  }

  /** Offers what can be offered now. */
  expire(): void {
    if (this.#isLost) return;
    this.#offerMore();
    this.deadline = this.#loop.now + AGAIN_MS;
    this.#loop.timers.add(this);
  }

  /** Says what became of the connections. */
  close(): void {
    this.#loop.timers.remove(this);
    this.#channel.close();
    for (const [reason, count] of this.#reasons) {
      this.#warn(`${count} connections could not be handed over: ${reason}`);
    }
  }

  /** Connections that were handed over. */
  get moved(): number {
    return this.#moved;
  }

  #offerMore(): void {
    for (const [name, { pairs }] of this.#listeners) {
      for (const pair of pairs) {
        if (this.#offered.size >= WINDOW || this.#isLost) return;
        if (!this.#staying.has(pair)) this.#offer(name, pair);
      }
    }
  }

  #offer(listener: string, pair: Pair): void {
    const moved = pair.suspend();
    if (!moved) return;
    const [client, upstream] = moved.descriptors;
    const number = ++this.#lastNumber;
    this.#offered.set(number, pair);
    try {
      const message: ToSuccessor = {
        type: "connection",
        number,
        listener,
        pair: toPlain(moved.pair),
        session: toPlain(moved.session),
      };
      this.#channel.send({ type: "client" }, client);
      this.#channel.send(message, upstream);
    } catch (error) {
      this.#onRefused(number, thrownText(error));
    }
  }

  #on({ number, refused }: ToPredecessor): void {
    if (refused !== undefined) this.#onRefused(number, refused);
    else if (this.#offered.has(number)) {
      this.#offered.get(number)!.leave();
      this.#offered.delete(number);
      this.#moved++;
    }
    this.#offerMore();
  }

  #onRefused(number: number, reason: string): void {
    const pair = this.#offered.get(number);
    if (!pair) return;
    this.#offered.delete(number);
    this.#staying.add(pair);
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    pair.stay();
  }

  /** The successor died. What it may have begun to serve cannot go on: bytes may be missing. */
  #onLost(): void {
    this.#isLost = true;
    for (const pair of this.#offered.values()) {
      pair.stay();
      pair.abort("refused", "the process that took it over died");
    }
    this.#offered.clear();
  }
}
