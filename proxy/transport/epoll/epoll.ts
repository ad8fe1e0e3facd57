/**
 * The Linux transport: non-blocking sockets, one epoll loop, one receive buffer
 * for all connections of a process.
 *
 * @module
 */
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } from "../../linux/errno.ts";
import type {
  Accepted,
  Address,
  End,
  Link,
  Listener,
  Open,
  Session,
  SocketAddress,
  Timeouts,
  Transport,
} from "../transport.ts";
import { formatAddress } from "../transport.ts";
import { EPOLLEXCLUSIVE, EPOLLIN } from "../../linux/epoll_event.ts";
import { type Handler, type Loop } from "./loop.ts";
import type { MovedPair } from "./moved.ts";
import { Pair, type Shared } from "./pair.ts";
import { ReceiveBuffers } from "./receive.ts";
import type { Transparent } from "../../config/mod.ts";
import type { Sockets } from "./sockets.ts";
import type { Timed } from "./timers.ts";

/** Connections taken before others have their turn: other connections, and other processes at the same socket. */
const ACCEPTS = 8;
/** How long to wait when the system has no descriptor or memory left for a connection. */
const ACCEPT_RETRY_MS = 100;
/** What is not the fault of one connection, and how to mend it. */
const EXHAUSTED = new Map([
  [EMFILE, "raise the open-file limit (ulimit -n) or lower limits.connections"],
  [ENFILE, "raise fs.file-max of this machine"],
  [ENOMEM, "the machine is out of memory for sockets"],
  [ENOBUFS, "the machine is out of memory for sockets"],
]);

/** The epoll transport of a loop. */
export class EpollTransport implements Transport {
  readonly #shared: Shared;

  /** @param warn told of what the system refuses */
  constructor(
    loop: Loop,
    sockets: Sockets,
    warn: (message: string) => void,
  ) {
    const buffers = new ReceiveBuffers();
    this.#shared = { loop, sockets, buffers, warn };
  }

  listen(address: Address, timeouts: Timeouts, open: Open): Listener {
    return this.serve(this.#shared.sockets.listen(address), timeouts, open);
  }

  /**
   * Accepts at a socket that listens already, and owns it from now on.
   * `transparent`: connections come by redirection.
   */
  serve(
    fd: number,
    timeouts: Timeouts,
    open: Open,
    transparent?: Transparent,
  ): MovableListener {
    return new EpollListener(fd, this.#shared, timeouts, open, transparent);
  }
}

/** A listener whose connections can go on in another process, or come from one. */
export interface MovableListener extends Listener {
  /** Connections, for {@linkcode Pair.suspend}. */
  readonly pairs: Iterable<Pair>;
  /**
   * Takes a connection over from another process. `open` makes its session; if
   * it throws, so does this, and the descriptors are the caller's still.
   */
  adopt(
    descriptors: readonly [client: number, upstream: number],
    moved: MovedPair,
    open: (link: Link) => Session,
  ): void;
}

class EpollListener implements MovableListener, Handler, Timed {
  readonly address: Address;
  readonly finished: Promise<void>;
  deadline = 0;
  slot: Set<Timed> | undefined;
  readonly #fd: number;
  readonly #shared: Shared;
  readonly #timeouts: Timeouts;
  readonly #open: Open;
  readonly #transparent: Transparent | undefined;
  readonly #local: SocketAddress;
  readonly #pairs = new Set<Pair>();
  readonly #finish: () => void;
  readonly #onGone = (pair: Pair) => this.#gone(pair);
  #stopped = false;

  constructor(
    fd: number,
    shared: Shared,
    timeouts: Timeouts,
    open: Open,
    transparent: Transparent | undefined,
  ) {
    this.#fd = fd;
    this.#shared = shared;
    this.#timeouts = timeouts;
    this.#open = open;
    this.#transparent = transparent;
    this.#local = shared.sockets.localAddress(fd)!;
    this.address = { transport: "tcp", ...this.#local };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    shared.loop.add(fd, EPOLLIN | EPOLLEXCLUSIVE, this);
  }

  get connections(): number {
    return this.#pairs.size;
  }

  get pairs(): Iterable<Pair> {
    return this.#pairs;
  }

  adopt(
    [client, upstream]: readonly [client: number, upstream: number],
    moved: MovedPair,
    open: (link: Link) => Session,
  ): void {
    const pair = new Pair(client, this.#shared, this.#timeouts, this.#onGone);
    const session = open(pair);
    this.#pairs.add(pair);
    pair.takeOver(session, upstream, moved);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const { loop } = this.#shared;
    loop.timers.remove(this);
    // Another process may have the socket too: closing alone would leave it watched.
    loop.remove(this.#fd);
    loop.close(this.#fd);
    this.#checkFinished();
  }

  abort(end: End): void {
    for (const pair of [...this.#pairs]) pair.abort(end);
  }

  ready(): void {
    this.#accept();
    // Who waits longest is woken first: without this one process may take all.
    if (this.#stopped || this.slot) return;
    this.#shared.loop.remove(this.#fd);
    this.#shared.loop.add(this.#fd, EPOLLIN | EPOLLEXCLUSIVE, this);
  }

  #accept(): void {
    for (let taken = 0; taken < ACCEPTS && !this.#stopped; taken++) {
      const fd = this.#shared.sockets.accept(this.#fd);
      if (fd >= 0) this.#start(fd);
      else if (!this.#goesOn(this.#shared.sockets.errno)) return;
    }
  }

  /** The system may have descriptors again. */
  expire(): void {
    this.#shared.loop.add(this.#fd, EPOLLIN | EPOLLEXCLUSIVE, this);
  }

  /** Whether the next connection may be taken after a failure: not if there is none, or nothing to take it with. */
  #goesOn(errno: number): boolean {
    if (errno === EAGAIN) return false;
    const mend = EXHAUSTED.get(errno);
    if (mend === undefined) return true; // that connection's own: it was reset before it was taken
    const { loop, sockets, warn } = this.#shared;
    warn(
      `cannot accept at ${formatAddress(this.address)}: ${
        sockets.text(errno)
      }; trying again in ${ACCEPT_RETRY_MS} ms; ${mend}`,
    );
    loop.remove(this.#fd);
    this.deadline = loop.now + ACCEPT_RETRY_MS;
    loop.timers.add(this);
    return false;
  }

  #start(fd: number): void {
    const { warn } = this.#shared;
    const pair = new Pair(fd, this.#shared, this.#timeouts, this.#onGone);
    this.#pairs.add(pair);
    try {
      const opened = this.#open(this.#accepted(fd), pair);
      if (opened) pair.start(opened.session, opened.upstream, opened.from);
      else pair.refuse();
    } catch (error) {
      // No other connection must suffer from one that went wrong.
      warn(`a connection was ended by a defect: ${error}`);
      pair.refuse();
    }
  }

  #accepted(fd: number): Accepted {
    const { sockets } = this.#shared;
    const source = sockets.acceptedPeer();
    const own = sockets.localAddress(fd) ?? this.#local;
    if (this.#transparent === "redirect") {
      const destination = sockets.originalDestination(fd) ?? own;
      return { source, destination, isOwn: isSame(own, destination) };
    }
    // nft's tproxy leaves the address as the client wrote it.
    return { source, destination: own, isOwn: own.port === this.#local.port };
  }

  #gone(pair: Pair): void {
    this.#pairs.delete(pair);
    this.#checkFinished();
  }

  #checkFinished(): void {
    if (this.#stopped && this.#pairs.size === 0) this.#finish();
  }
}

function isSame(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.hostname === b.hostname;
}
