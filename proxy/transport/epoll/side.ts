/**
 * One socket of a connection: what waits to be sent on it, and what it is
 * watched for.
 *
 * @module
 */
import { EAGAIN } from "../../linux/errno.ts";
import { EPOLLIN, EPOLLOUT, EPOLLRDHUP } from "../../linux/epoll_event.ts";
import { type Handler, type Loop } from "./loop.ts";
import type { MovedSide } from "./moved.ts";
import { Queue } from "./queue.ts";
import type { Sockets } from "./sockets.ts";

/** Above this many queued bytes the other side is not read, until fewer than the low water wait. */
const HIGH_WATER = 256 * 1024;
const LOW_WATER = 64 * 1024;
/** The descriptor is not watched at all: a hang-up that nobody wants to hear of yet would be told for ever. */
const DEAF = -1;
const NOTHING = new Uint8Array(0);

/** Where a side's events go. */
export interface Owner {
  ready(side: Side, events: number): void;
}

/** A socket, non-blocking, with its output queue. */
export class Side implements Handler {
  readonly fd: number;
  readonly #owner: Owner;
  readonly #loop: Loop;
  readonly #sockets: Sockets;
  #queue: Queue | undefined;
  #watched = DEAF;
  #flooded = false;
  /** Half-closed once the queue has left. */
  #ending = false;
  /** The peer sends no more. */
  readEnded = false;
  /** No more can be written: half-closed, or failed. */
  writeDone = false;
  /** The number of the system's error, once writing has failed. */
  writeFailed = 0;

  constructor(fd: number, owner: Owner, loop: Loop, sockets: Sockets) {
    this.fd = fd;
    this.#owner = owner;
    this.#loop = loop;
    this.#sockets = sockets;
  }

  /** What another process has to know of it, to go on with the same socket. */
  get state(): MovedSide {
    const { readEnded, writeDone } = this;
    const queued = this.#queue?.bytes() ?? NOTHING;
    return { queued, ending: this.#ending, readEnded, writeDone };
  }

  /** Goes on where another process was. */
  restore({ queued, ending, readEnded, writeDone }: MovedSide): void {
    if (queued.length > 0) this.#enqueue(queued);
    this.#ending = ending;
    this.readEnded = readEnded;
    this.writeDone = writeDone;
  }

  /** Lets go of the descriptor: another process has the socket. */
  forget(): void {
    this.deafen(); // closing alone would leave it watched, as it stays open there
    this.#loop.close(this.fd);
  }

  ready(events: number): void {
    this.#owner.ready(this, events);
  }

  /** Bytes that wait. */
  get queued(): number {
    return this.#queue?.length ?? 0;
  }

  /** So much waits that its source should not be read. */
  get flooded(): boolean {
    return this.#flooded;
  }

  /** Sends, and queues a copy of what the system does not take now. */
  write(bytes: Uint8Array): void {
    if (this.#ending || this.writeDone) return;
    if (this.queued > 0) return this.#enqueue(bytes);
    const sent = bytes.length === 0 ? 0 : this.#sockets.send(this.fd, bytes);
    if (sent === bytes.length) return;
    if (sent >= 0) return this.#enqueue(bytes.subarray(sent));
    if (this.#sockets.errno === EAGAIN) return this.#enqueue(bytes);
    this.#fail();
  }

  /** Half-closes once the queue has left. */
  end(): void {
    if (this.#ending || this.writeDone) return;
    this.#ending = true;
    if (this.queued === 0) this.#shut();
  }

  /** Sends what is queued, as far as the system takes it; whether something left. */
  flush(): boolean {
    const queue = this.#queue;
    if (!queue || this.writeDone) return false;
    const before = queue.length;
    while (queue.length > 0) {
      const head = queue.head();
      const sent = this.#sockets.send(this.fd, head);
      if (sent < 0) {
        if (this.#sockets.errno !== EAGAIN) this.#fail();
        break;
      }
      queue.consume(sent);
      if (sent < head.length) break;
    }
    const left = this.queued;
    if (left < LOW_WATER) this.#flooded = false;
    if (left > 0) return left < before;
    this.#queue = undefined; // an idle connection costs no queue
    if (this.#ending && !this.writeDone) this.#shut();
    return true;
  }

  /** Watches for input, if it is wanted, and for room to write, if bytes wait. @throws {SystemError} */
  watch(reads: boolean, writes = this.queued > 0 && !this.writeDone): void {
    const events = (reads ? EPOLLIN | EPOLLRDHUP : 0) |
      (writes ? EPOLLOUT : 0);
    if (events === this.#watched) return;
    // Once deaf, only something that is wanted makes it hear again.
    if (this.#watched === DEAF) {
      if (events === 0) return;
      this.#loop.add(this.fd, events, this);
    } else this.#loop.modify(this.fd, events);
    this.#watched = events;
  }

  /** Hears nothing any more until something is wanted. */
  deafen(): void {
    if (this.#watched === DEAF) return;
    this.#watched = DEAF;
    this.#loop.remove(this.fd);
  }

  /** Closes the socket. `resets`: so that the peer sees that this was no proper end. */
  close(resets: boolean): void {
    this.writeDone = true;
    this.#queue = undefined;
    if (resets) this.#sockets.resetOnClose(this.fd);
    this.#watched = DEAF;
    this.#loop.close(this.fd);
  }

  #enqueue(bytes: Uint8Array): void {
    this.#queue ??= new Queue();
    this.#queue.push(bytes);
    if (this.#queue.length > HIGH_WATER) this.#flooded = true;
  }

  #shut(): void {
    this.writeDone = true;
    if (!this.#sockets.shutdownWrite(this.fd)) this.#fail();
  }

  #fail(): void {
    this.writeFailed = this.#sockets.errno;
    this.writeDone = true;
    this.#queue = undefined;
    this.#flooded = false;
  }
}
