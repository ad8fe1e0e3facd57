/**
 * One proxied connection on the epoll transport: two sockets and a session.
 *
 * @module
 */
import { EAGAIN, ECONNRESET } from "../../linux/errno.ts";
import { thrownText } from "../../thrown.ts";
import {
  type Address,
  type End,
  formatAddress,
  type Link,
  type Session,
  type SocketAddress,
  type Timeouts,
} from "../transport.ts";
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
} from "../../linux/epoll_event.ts";
import { type Loop } from "./loop.ts";
import type { Movable, MovedPair } from "./moved.ts";
import type { ReceiveBuffer, ReceiveBuffers } from "./receive.ts";
import { type Owner, Side } from "./side.ts";
import type { Sockets } from "./sockets.ts";
import type { Timed } from "./timers.ts";

/** After Parley decided to close: how long peers may take none of the last bytes, and not end either. */
const LINGER_MS = 2000;
/** How often it is looked at within that time. */
const LOOKS = 4;
/** Reads of one socket before the others have their turn. */
const READS = 4;
const NOTHING = new Uint8Array(0);

/** What all connections of a process share. */
export interface Shared {
  readonly loop: Loop;
  readonly sockets: Sockets;
  /** What is read stands here until the session has taken it. */
  readonly buffers: ReceiveBuffers;
  readonly warn: (message: string) => void;
}

/** Two sockets, from accept to close. */
export class Pair implements Link, Owner, Timed {
  deadline = 0;
  slot: Set<Timed> | undefined;
  readonly #shared: Shared;
  readonly #timeouts: Timeouts;
  readonly #gone: (pair: Pair) => void;
  readonly #down: Side;
  #up: Side | undefined;
  #session: Session | undefined;
  #received: ReceiveBuffer | undefined;
  #upstream: Address | undefined;
  #state: "new" | "connecting" | "open" | "away" | "leaving" | "gone" = "new";
  /** Set once: the connection is ending, and why. */
  #end: End | undefined;
  #detail: string | undefined;
  /** Until when replies pass though the client is not read any more, and what the end is called then. */
  #draining: { readonly until: number; readonly end: End } | undefined;
  /** When the last byte moved. */
  #lastActive: number;
  /** When it is looked at whether peers still take what they are owed, and how often they did not. */
  #lookAt = 0;
  #looks = 0;
  #owed = 0;
  /** An event is being handled: what it leads to is looked at when it is over. */
  #busy = false;

  /** @param gone called when the connection is over */
  constructor(
    fd: number,
    shared: Shared,
    timeouts: Timeouts,
    gone: (pair: Pair) => void,
  ) {
    this.#shared = shared;
    this.#timeouts = timeouts;
    this.#gone = gone;
    this.#lastActive = shared.loop.now;
    this.#down = new Side(fd, this, shared.loop, shared.sockets);
  }

  /** Closes the connection before it is open; nothing was read or written. */
  refuse(): void {
    this.#end ??= "refused";
    this.#release();
  }

  /** Dials the upstream; bytes move once it is there. */
  start(session: Session, upstream: Address, from?: SocketAddress): void {
    this.#session = session;
    this.#received = this.#shared.buffers.of(session.reader);
    this.#upstream = upstream;
    this.#busy = true;
    try {
      this.#dial(upstream, from);
      this.#settle();
    } catch (error) {
      this.#onDefect(error);
    }
  }

  write(reply: boolean, bytes: Uint8Array): void {
    this.#output(reply)?.write(bytes);
    this.#touched();
  }

  queued(reply: boolean): number {
    return this.#output(reply)?.queued ?? 0;
  }

  end(reply: boolean): void {
    this.#output(reply)?.end();
    this.#touched();
  }

  drain(end: End): void {
    this.#draining ??= { until: this.#shared.loop.now + LINGER_MS, end };
    this.#expectAt(this.#draining.until);
    this.#touched();
  }

  close(end: End): void {
    this.#end ??= end;
    this.#touched();
  }

  changed(): void {
    this.#received = this.#shared.buffers.of(this.#session?.reader);
    this.#touched();
  }

  /** Ends the connection now; queued bytes are lost. */
  abort(end: End, detail?: string): void {
    if (this.#state === "gone" || this.#state === "away") return;
    this.#end ??= end;
    this.#detail ??= detail;
    this.#release();
  }

  // From one process to another.

  /** Whether the session could go on in another process. */
  get #movable(): (Session & Movable) | undefined {
    const session = this.#session;
    return session && "suspend" in session
      ? session as Session & Movable
      : undefined;
  }

  /** Stops all that moves, so that another process can go on; nothing: this is no moment for it. */
  suspend():
    | { pair: MovedPair; session: unknown; descriptors: [number, number] }
    | undefined {
    const up = this.#up;
    const down = this.#down;
    const isQuiet = this.#state === "open" && !this.#end && !this.#draining &&
      up !== undefined && up.writeFailed === 0 && down.writeFailed === 0;
    const session = isQuiet ? this.#movable?.suspend() : undefined;
    if (session === undefined || !up) return undefined;
    this.#state = "away";
    this.#shared.loop.timers.remove(this);
    down.deafen();
    up.deafen();
    const idle = this.#shared.loop.now - this.#lastActive;
    return {
      pair: { client: down.state, upstream: up.state, idle },
      session,
      descriptors: [down.fd, up.fd],
    };
  }

  /** The other process could not take it: it goes on here. */
  stay(): void {
    if (this.#state !== "away") return;
    this.#open();
    this.#movable?.stay();
    this.changed();
  }

  /** Another process has it. */
  leave(): void {
    if (this.#state !== "away") return;
    this.#state = "gone";
    this.#down.forget();
    this.#up!.forget();
    this.#movable?.moved();
    this.#gone(this);
  }

  /** Goes on where another process was; `fd` is the upstream's socket. */
  takeOver(session: Session, fd: number, moved: MovedPair): void {
    const { loop, sockets, buffers } = this.#shared;
    this.#session = session;
    this.#received = buffers.of(session.reader);
    this.#up = new Side(fd, this, loop, sockets);
    this.#up.restore(moved.upstream);
    this.#down.restore(moved.client);
    this.#lastActive = loop.now - moved.idle;
    this.#open();
    this.#movable?.stay();
    this.changed();
  }

  #open(): void {
    this.#state = "open";
    this.#expectAt(this.#lastActive + this.#timeouts.idle);
  }

  ready(side: Side, events: number): void {
    this.#busy = true;
    try {
      if (this.#state === "open") this.#onOpen(side, events);
      else if (this.#state === "connecting") this.#onConnecting(side, events);
      else if (this.#state === "leaving") this.#onLeaving(side, events);
      this.#settle();
    } catch (error) {
      this.#onDefect(error);
    }
  }

  expire(now: number): void {
    this.#busy = true;
    try {
      if (this.#state === "connecting") this.#onConnectTimeout();
      else if (this.#state === "open") this.#onDeadline(now);
      else if (this.#state === "leaving") this.#onLeaveTick(now);
      this.#settle();
    } catch (error) {
      this.#onDefect(error);
    }
  }

  /** Something was asked for, within an event or outside of one. */
  #touched(): void {
    if (this.#busy) return; // it is looked at when the event is over
    try {
      this.#settle();
    } catch (error) {
      this.#onDefect(error);
    }
  }

  /** No other connection must suffer from one that went wrong. */
  #onDefect(error: unknown): void {
    this.#shared.warn(`a connection was ended by a defect: ${error}`);
    this.abort("refused");
  }

  #output(reply: boolean): Side | undefined {
    return reply ? this.#down : this.#up;
  }

  /** Expires at this time or before; the wheel asks once more where it was before. */
  #expectAt(deadline: number): void {
    if (this.slot && this.deadline <= deadline) return;
    this.deadline = deadline;
    this.#shared.loop.timers.add(this);
  }

  // Connecting.

  #dial(upstream: Address, from: SocketAddress | undefined): void {
    const { loop, sockets } = this.#shared;
    this.#state = "connecting";
    let fd: number;
    try {
      fd = sockets.connect(upstream, from);
    } catch (error) {
      return this.#onUnreachable(thrownText(error));
    }
    this.#up = new Side(fd, this, loop, sockets);
    this.#up.watch(false, true);
    this.#down.watch(false);
    this.#expectAt(loop.now + this.#timeouts.connect);
  }

  #onConnecting(side: Side, events: number): void {
    if (side === this.#down) {
      // Nothing of the client's is read yet: this can only be its reset.
      return this.#onClientBroken(this.#shared.sockets.pendingError(side.fd));
    }
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) === 0) return;
    const errno = this.#shared.sockets.pendingError(side.fd);
    if (errno !== 0) {
      return this.#onUnreachable(this.#shared.sockets.text(errno));
    }
    this.#lastActive = this.#shared.loop.now;
    this.#open();
  }

  #onUnreachable(text: string): void {
    this.#end ??= "upstream-unreachable";
    this.#detail ??= `${formatAddress(this.#upstream!)}: ${text}`;
  }

  #onConnectTimeout(): void {
    this.#end ??= "connect-timeout";
    this.#detail ??= `${
      formatAddress(this.#upstream!)
    } did not answer within ${this.#timeouts.connect} ms`;
  }

  // Open.

  #onOpen(side: Side, events: number): void {
    if ((events & EPOLLOUT) !== 0) this.#flush(side);
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) === 0) return;
    const reply = side === this.#up;
    if (this.#reads(reply)) this.#read(reply, side);
    else if ((events & (EPOLLHUP | EPOLLERR)) !== 0) {
      this.#onUnread(side, events);
    }
  }

  /** Something ended on a side that is not read for now. */
  #onUnread(side: Side, events: number): void {
    if (side === this.#down && (events & EPOLLERR) !== 0) {
      this.#onClientBroken(this.#shared.sockets.pendingError(side.fd));
    } else if (side === this.#up && side.readEnded) {
      // Both directions are over, or were cut off: the next write would say the same.
      if ((events & EPOLLERR) !== 0) {
        this.#onReadFailed(
          true,
          side,
          this.#shared.sockets.pendingError(side.fd),
        );
      } else side.deafen();
    } else side.deafen(); // what it said before is still to be read
  }

  #read(reply: boolean, side: Side): void {
    const { sockets, loop } = this.#shared;
    const received = this.#received!;
    for (let reads = 0; reads < READS; reads++) {
      const { bytes } = received;
      const size = bytes.length;
      const count = sockets.recv(side.fd, bytes);
      if (count > 0) {
        this.#lastActive = loop.now;
        this.#session!.feed(reply, received.first(count), false);
        if (count < size || !this.#reads(reply)) return;
      } else if (count === 0) return this.#onEnd(reply, side);
      else if (sockets.errno === EAGAIN) return;
      else return this.#onReadFailed(reply, side, sockets.errno);
    }
  }

  #onEnd(reply: boolean, side: Side): void {
    side.readEnded = true;
    this.#lastActive = this.#shared.loop.now;
    // A write told of the reset before: this was the last of its last words.
    if (reply && this.#up!.writeFailed !== 0) this.#end ??= "upstream-reset";
    else this.#session!.feed(reply, NOTHING, true);
  }

  #onReadFailed(reply: boolean, side: Side, errno: number): void {
    if (!reply) return this.#onClientBroken(errno);
    side.readEnded = true;
    side.writeDone = true;
    this.#detail ??= this.#shared.sockets.text(errno);
    this.#end ??= "upstream-reset";
  }

  #flush(side: Side): void {
    if (side.flush()) this.#lastActive = this.#shared.loop.now;
  }

  #onClientBroken(errno: number): void {
    this.abort("client-reset", this.#shared.sockets.text(errno || ECONNRESET));
  }

  /**
   * Whether a direction is read now: its output is not flooded, and its parser
   * does not wait. Requests to a parser also wait for the client's own output, as
   * each may add a denial to it; replies never wait for the other side, so that a server
   * that stops reading until its replies are taken cannot lock up both.
   */
  #reads(reply: boolean): boolean {
    if (this.#end) return false;
    const up = this.#up!;
    const down = this.#down;
    const from = reply ? up : down;
    const to = reply ? down : up;
    if (from.readEnded || to.writeFailed !== 0 || to.flooded) return false;
    if (!reply && this.#draining) return false;
    if (up.writeFailed !== 0) return true; // its last words
    const session = this.#session!;
    return !(!reply && session.answers && down.flooded) &&
      !session.paused(reply);
  }

  #onDeadline(now: number): void {
    if (this.#draining && now >= this.#draining.until) {
      this.#end ??= this.#draining.end;
      return;
    }
    const idleAt = this.#lastActive + this.#timeouts.idle;
    if (now >= idleAt) this.abort("idle-timeout");
    else this.#expectAt(idleAt);
  }

  /** Looks at what an event has led to. */
  #settle(): void {
    this.#busy = false;
    const isIdle = this.#state === "new" || this.#state === "away";
    if (isIdle || this.#state === "gone") return;
    if (this.#state === "open") this.#settleOpen();
    if (this.#isGone) return; // a write has told of the client's reset
    if (this.#end && this.#state !== "leaving") this.#leave();
    if (this.#state === "leaving") this.#settleLeaving();
  }

  get #isGone(): boolean {
    return this.#state === "gone";
  }

  #settleOpen(): void {
    const up = this.#up!;
    const down = this.#down;
    if (down.writeFailed !== 0) return this.#onClientBroken(down.writeFailed);
    if (up.writeFailed !== 0) {
      this.#detail ??= this.#shared.sockets.text(up.writeFailed);
      // It had ended properly before: nothing more of it will tell.
      if (up.readEnded) this.#end ??= "upstream-reset";
    }
    if (isOver(down) && isOver(up)) this.#end ??= "closed";
    if (this.#end) return;
    down.watch(this.#reads(false));
    up.watch(this.#reads(true));
  }

  // Leaving.

  /**
   * Lets both peers have what was decided: a socket closed with unread bytes is
   * reset, and a reset takes bytes that are still on their way with it.
   */
  #leave(): void {
    if (this.#end === "closed") return this.#release();
    if (this.#state === "connecting" && this.#up) {
      this.#up.close(false);
      this.#up = undefined;
    }
    this.#state = "leaving";
    if (!this.#resetsClient) this.#down.end();
    this.#up?.end();
    this.#owed = this.#unsent();
    this.#lookLater(this.#shared.loop.now);
  }

  /** An upstream's reset is carried over, once the client has what was said before it. */
  get #resetsClient(): boolean {
    return this.#end === "upstream-reset";
  }

  #onLeaving(side: Side, events: number): void {
    if ((events & EPOLLOUT) !== 0) this.#flush(side);
    if ((events & ~EPOLLOUT) === 0) return;
    this.#discard(side);
    // Cut off, it takes nothing more either.
    if (side.readEnded && (events & (EPOLLERR | EPOLLHUP)) !== 0) {
      side.writeDone = true;
    }
  }

  /** Reads and forgets, until the peer has ended too. */
  #discard(side: Side): void {
    const { buffers, sockets } = this.#shared;
    const { bytes } = buffers.of(undefined);
    for (let reads = 0; reads < READS; reads++) {
      const count = sockets.recv(side.fd, bytes);
      if (count > 0) continue;
      if (count < 0 && sockets.errno === EAGAIN) return;
      side.readEnded = true;
      if (count < 0) side.writeDone = true;
      return;
    }
  }

  #settleLeaving(): void {
    const up = this.#up;
    const down = this.#down;
    const hasClient = this.#resetsClient ? this.#owesClient() : !isOver(down);
    if (!hasClient && (!up || isOver(up))) return this.#release();
    watchLeaving(down, hasClient);
    if (up) watchLeaving(up, true);
  }

  /** Whether the client may still be given bytes that a reset would take from it. */
  #owesClient(): boolean {
    const { readEnded, writeDone } = this.#down;
    return !readEnded && !writeDone && this.#unsentTo(this.#down) > 0;
  }

  /** Bytes that neither peer's system has taken yet. */
  #unsent(): number {
    return this.#unsentTo(this.#down) +
      (this.#up ? this.#unsentTo(this.#up) : 0);
  }

  #unsentTo({ queued, fd }: Side): number {
    return queued + this.#shared.sockets.unacknowledged(fd);
  }

  #onLeaveTick(now: number): void {
    if (now < this.#lookAt) return this.#expectAt(this.#nextTick(now));
    const owed = this.#unsent();
    // Looks are counted, and not the clock: it goes on while all processes stand still.
    this.#looks = owed > 0 && owed < this.#owed ? 0 : this.#looks + 1;
    if (this.#looks === LOOKS) return this.#release();
    this.#owed = owed;
    this.#lookLater(now);
  }

  #lookLater(now: number): void {
    this.#lookAt = now + LINGER_MS / LOOKS;
    this.#expectAt(this.#nextTick(now));
  }

  /** Of an acknowledgement nobody tells: it is asked for at each tick. */
  #nextTick(now: number): number {
    return this.#resetsClient ? now : this.#lookAt;
  }

  #release(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#shared.loop.timers.remove(this);
    const up = this.#up;
    const down = this.#down;
    up?.close(this.#end === "client-reset" || up.queued > 0);
    down.close(this.#resetsClient || down.queued > 0);
    this.#session?.closed(this.#end ?? "closed", this.#detail);
    this.#gone(this);
  }
}

/** A side that is over would tell of its hang-up for ever. */
function watchLeaving(side: Side, reads: boolean): void {
  if (isOver(side)) side.deafen();
  else side.watch(reads && !side.readEnded);
}

/** Nothing more comes from a side, and nothing more goes to it. */
function isOver({ readEnded, writeDone }: Side): boolean {
  return readEnded && writeDone;
}
