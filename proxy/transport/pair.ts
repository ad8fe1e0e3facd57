/**
 * One proxied connection on the portable transport: two sockets and a session.
 *
 * @module
 */
import { thrownText } from "../thrown.ts";
import { Output } from "./output.ts";
import {
  type Accepted,
  type Address,
  type End,
  formatAddress,
  type Link,
  type Open,
  type Session,
  type Timeouts,
} from "./transport.ts";

const READ_BYTES = 16 * 1024;
/** After Parley decided to close: how long peers may take none of the last bytes, and not end either. */
const LINGER_MS = 2000;
/** How often it is looked at within that time. */
const LOOKS = 4;
const NOTHING = new Uint8Array(0);

/** Two sockets, from accept to close. */
export class Pair implements Link {
  readonly #down: Deno.TcpConn;
  #up: Deno.Conn | undefined;
  #session: Session | undefined;
  #forward: Output | undefined;
  readonly #reply: Output;
  /** Set once: the connection is ending, and why. */
  #end: End | undefined;
  #detail: string | undefined;
  readonly #aborted = new AbortController();
  /** Runs while the client is not read any more but replies are still due. */
  #draining: ReturnType<typeof setTimeout> | undefined;
  /** Resolves when something moved that a pump may wait for. */
  #moved = Promise.withResolvers<void>();
  /** `performance.now()` of the last byte. */
  #lastActive = performance.now();

  constructor(down: Deno.TcpConn) {
    this.#down = down;
    this.#reply = new Output(down, (error) => this.#onMoved(true, error));
  }

  /** Runs the connection to its end. Rejects only with a defect of a session's. */
  async run(accepted: Accepted, timeouts: Timeouts, open: Open): Promise<void> {
    try {
      const opened = open(accepted, this);
      if (!opened) return; // nothing was read or written: nothing is to be lost
      this.#session = opened.session;
      await this.#serve(opened.upstream, timeouts);
      await this.#linger();
    } catch (error) {
      this.#end ??= "refused";
      throw error;
    } finally {
      clearTimeout(this.#draining);
      this.#release();
      this.#session?.closed(this.#end ?? "closed", this.#detail);
    }
  }

  /** Ends the connection if it was idle since `before` (`performance.now()`). */
  expire(before: number): void {
    if (this.#lastActive < before && !this.#end) this.abort("idle-timeout");
  }

  /** Ends the connection now; queued bytes are lost. */
  abort(end: End, detail?: string): void {
    this.#end ??= end;
    this.#detail ??= detail;
    this.#aborted.abort();
    this.#signal();
  }

  write(reply: boolean, bytes: Uint8Array): void {
    this.#output(reply)?.write(bytes);
  }

  queued(reply: boolean): number {
    return this.#output(reply)?.queued ?? 0;
  }

  end(reply: boolean): void {
    this.#output(reply)?.end();
  }

  drain(end: End): void {
    this.#draining ??= setTimeout(() => this.close(end), LINGER_MS);
  }

  close(end: End): void {
    this.#end ??= end;
    this.#signal();
  }

  changed(): void {
    this.#signal();
  }

  #output(reply: boolean): Output | undefined {
    return reply ? this.#reply : this.#forward;
  }

  async #serve(upstream: Address, timeouts: Timeouts): Promise<void> {
    const up = await this.#dial(upstream, timeouts.connect);
    if (!up || this.#end) return up?.close();
    this.#up = up;
    this.#forward = new Output(up, (error) => this.#onMoved(false, error));
    const pumps = [this.#pump(false, this.#down), this.#pump(true, up)];
    // A refused connection must not wait for a read that may never return.
    await Promise.race([Promise.all(pumps), this.#untilEnding()]);
  }

  async #dial(
    upstream: Address,
    timeout: number,
  ): Promise<Deno.Conn | undefined> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeout);
    try {
      const signal = AbortSignal.any([late.signal, this.#aborted.signal]);
      const conn = await dial(upstream, signal);
      if ("setNoDelay" in conn) tune(conn);
      return conn;
    } catch (error) {
      if (this.#end) return undefined; // aborted meanwhile: the failure says nothing
      this.#end = late.signal.aborted
        ? "connect-timeout"
        : "upstream-unreachable";
      this.#detail = late.signal.aborted
        ? `${formatAddress(upstream)} did not answer within ${timeout} ms`
        : `${formatAddress(upstream)}: ${thrownText(error)}`;
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Moves bytes of one direction until its end. */
  async #pump(reply: boolean, from: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      while (this.#mustWait(reply)) await this.#moved.promise;
      if (this.#end || this.#output(reply)!.failed) return;
      const bytes = await this.#read(reply, from, buffer);
      if (bytes === undefined || this.#end) return;
      this.#lastActive = performance.now();
      this.#session!.feed(reply, bytes ?? NOTHING, bytes === null);
      this.#signal();
      if (bytes === null) break;
    }
    // The other pump may still run; this direction is over when its queue has left.
    const output = this.#output(reply)!;
    while (!output.done && !this.#end) await this.#moved.promise;
  }

  async #read(
    reply: boolean,
    from: Deno.Conn,
    buffer: Uint8Array,
  ): Promise<Uint8Array | null | undefined> {
    try {
      const read = await from.read(buffer);
      if (read !== null) return buffer.subarray(0, read);
      if (!reply || !this.#forward!.failed) return null;
    } catch (error) {
      if (!reply) this.abort("client-reset", thrownText(error));
      else this.#detail ??= thrownText(error);
    }
    // A write may have told of the reset before; this is when its last words are read.
    if (reply) this.close("upstream-reset");
    return undefined;
  }

  /**
   * Whether a direction is not read for now: its output is flooded, or its
   * parser waits. Requests to a parser also wait for the client's own output, as
   * each may add a denial to it; replies never wait for the other side, so that a server
   * that stops reading until its replies are taken cannot lock up both.
   */
  #mustWait(reply: boolean): boolean {
    if (this.#end) return false;
    if (!reply && this.#draining !== undefined) return true;
    if (this.#output(reply)!.flooded) return true;
    if (this.#forward!.failed) return false;
    const session = this.#session!;
    return (!reply && session.answers && this.#reply.flooded) ||
      session.paused(reply);
  }

  #onMoved(reply: boolean, error?: unknown): void {
    this.#lastActive = performance.now();
    if (error !== undefined && !this.#end) {
      if (reply) this.abort("client-reset", thrownText(error));
      else this.#detail ??= thrownText(error); // what it said before is still to be read
    }
    this.#signal();
  }

  #signal(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  async #untilEnding(): Promise<void> {
    while (!this.#end) await this.#moved.promise;
  }

  /**
   * Lets both peers have what was decided: a socket closed with unread bytes is
   * reset, and a reset takes bytes that are still on their way with it.
   */
  async #linger(): Promise<void> {
    if (this.#aborted.signal.aborted || this.#end === undefined) return;
    // Looks are counted, and not the clock: it goes on while all processes stand still.
    let looks = 0;
    let before = this.#lastActive;
    const timer = setInterval(() => {
      looks = this.#lastActive > before ? 0 : looks + 1;
      before = this.#lastActive;
      if (looks === LOOKS) this.abort(this.#end!);
    }, LINGER_MS / LOOKS);
    await Promise.all([
      this.#leave(this.#reply, this.#down),
      this.#forward && this.#leave(this.#forward, this.#up!),
    ]);
    clearInterval(timer);
  }

  /** Sends what is queued, then reads and forgets until the peer has ended too. */
  async #leave(output: Output, conn: Deno.Conn): Promise<void> {
    output.end();
    while (!output.done && !this.#aborted.signal.aborted) {
      await this.#moved.promise;
    }
    const aborted = this.#untilAborted();
    const buffer = new Uint8Array(READ_BYTES);
    let read: number | null = 0;
    while (read !== null) {
      read = await Promise.race([conn.read(buffer).catch(() => null), aborted]);
    }
  }

  async #untilAborted(): Promise<null> {
    while (!this.#aborted.signal.aborted) await this.#moved.promise;
    return null;
  }

  #release(): void {
    for (const conn of [this.#down, this.#up]) {
      try {
        conn?.close();
      } catch { /* closed by the peer's reset already */ }
    }
  }
}

function dial(address: Address, signal: AbortSignal): Promise<Deno.Conn> {
  if (address.transport === "unix") {
    return Deno.connect({ transport: "unix", path: address.path });
  }
  return Deno.connect({
    hostname: address.hostname,
    port: address.port,
    signal,
  });
}

/** Small requests must not wait for an acknowledgement; a dead peer must be noticed. */
export function tune(conn: Deno.Conn): void {
  try {
    (conn as Deno.TcpConn).setNoDelay(true);
    (conn as Deno.TcpConn).setKeepAlive(true);
  } catch { /* some systems refuse where the peer's reset came first */ }
}
