/**
 * Takes over the connections of the worker whose place this one takes.
 *
 * @module
 */
import { fromPlain } from "../control/plain_data.ts";
import type { ToPredecessor, ToSuccessor } from "../control/messages.ts";
import type { Channel } from "../linux/channel.ts";
import type { MovedSession } from "../session/moved.ts";
import { thrownText } from "../thrown.ts";
import type { Loop } from "../transport/epoll/loop.ts";
import type { MovedPair } from "../transport/epoll/moved.ts";
import { LoopChannel } from "./loop_channel.ts";

/** Makes a connection go on here. Throws if it cannot; the descriptors are the caller's still. */
export type Adopt = (
  listener: string,
  descriptors: readonly [client: number, upstream: number],
  pair: MovedPair,
  session: MovedSession,
) => void;

/** The new worker's side, until the other one ends. */
export class TakeOver {
  readonly #loop: Loop;
  readonly #channel: LoopChannel<ToPredecessor, ToSuccessor>;
  readonly #adopt: Adopt;

  constructor(loop: Loop, channel: Channel, adopt: Adopt) {
    this.#loop = loop;
    this.#adopt = adopt;
    this.#channel = new LoopChannel(loop, channel, {
      message: (message, take) => this.#on(message, take),
      lost() {},
    });
  }

  #on(message: ToSuccessor, take: () => number | undefined): void {
    if (message.type === "client") return; // its descriptor waits for the connection
    const { number, listener } = message;
    const descriptors = [take()!, take()!] as const;
    try {
      const pair = fromPlain(message.pair) as MovedPair;
      const session = fromPlain(message.session) as MovedSession;
      this.#adopt(listener, descriptors, pair, session);
      this.#channel.send({ number });
    } catch (error) {
      for (const descriptor of descriptors) this.#loop.close(descriptor);
      this.#channel.send({ number, refused: thrownText(error) });
    }
  }
}
