/**
 * A channel to another process in the worker's event loop: messages, and
 * descriptors that go with them. Nothing waits for the other side.
 *
 * @module
 */
import { encodeFrame, FrameReader } from "../control/frames.ts";
import type { Channel } from "../linux/channel.ts";
import { EPOLLIN, EPOLLOUT } from "../linux/epoll_event.ts";
import { type Handler, type Loop } from "../transport/epoll/loop.ts";

/** What has not been sent yet. */
interface Outgoing {
  readonly bytes: Uint8Array;
  /** Goes with the first byte. */
  readonly descriptor: number | undefined;
  sent: number;
}

/** Who is told. */
export interface ChannelEvents<In> {
  /** `take` gives the descriptors that came, in order, each once. */
  message(message: In, take: () => number | undefined): void;
  /** The other side is gone. Called once. */
  lost(): void;
}

/** Sends messages of one type and receives those of another. */
export class LoopChannel<Out, In> implements Handler {
  readonly #loop: Loop;
  readonly #channel: Channel;
  readonly #events: ChannelEvents<In>;
  readonly #reader = new FrameReader();
  readonly #descriptors: number[] = [];
  readonly #outgoing: Outgoing[] = [];
  #watched = EPOLLIN;
  #isLost = false;

  constructor(loop: Loop, channel: Channel, events: ChannelEvents<In>) {
    this.#loop = loop;
    this.#channel = channel;
    this.#events = events;
    loop.add(channel.fd, EPOLLIN, this);
  }

  /** Whether everything was sent. */
  get isFlushed(): boolean {
    return this.#outgoing.length === 0;
  }

  /** `descriptor` must stay open until it was sent. */
  send(message: Out, descriptor?: number): void {
    if (this.#isLost) return;
    const bytes = encodeFrame(message);
    this.#outgoing.push({ bytes, descriptor, sent: 0 });
    this.#flush();
  }

  /** Ends this side. */
  close(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#loop.remove(this.#channel.fd);
    this.#loop.close(this.#channel.fd);
  }

  ready(events: number): void {
    if ((events & EPOLLOUT) !== 0) this.#flush();
    if ((events & ~EPOLLOUT) !== 0) this.#receive();
  }

  #receive(): void {
    while (!this.#isLost) {
      const received = this.#channel.receive(false);
      if (received === "nothing-yet") return;
      if (!received) return this.#lose();
      const { bytes, descriptor } = received;
      if (descriptor !== undefined) this.#descriptors.push(descriptor);
      for (const message of this.#reader.push(bytes)) {
        this.#events.message(message as In, () => this.#descriptors.shift());
      }
    }
  }

  #flush(): void {
    try {
      for (;;) {
        const next = this.#outgoing[0];
        if (!next) break;
        const { bytes, descriptor, sent } = next;
        next.sent += this.#channel.send(
          bytes.subarray(sent),
          sent === 0 ? descriptor : undefined,
        );
        if (next.sent === sent) break; // no room now
        if (next.sent === bytes.length) this.#outgoing.shift();
      }
    } catch {
      return this.#lose(); // told to nobody: there is nobody left
    }
    const wanted = this.isFlushed ? EPOLLIN : EPOLLIN | EPOLLOUT;
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    this.#loop.modify(this.#channel.fd, wanted);
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#outgoing.length = 0;
    this.close();
    this.#events.lost();
  }
}
