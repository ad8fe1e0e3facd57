/**
 * A client that knows no protocol: bytes out, bytes in. Texts have one
 * character a byte.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { within } from "./wait.ts";

/** All that came until the connection's end. */
export interface Received {
  readonly text: string;
  /** How it ended. A reset may have taken bytes with it. */
  readonly end: "closed" | "reset";
}

/** By so much two processes may tell different times, and far less than until a port comes again. */
const CLOCKS_MS = 1000;

/** A text's bytes. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Bytes as a text. */
export function decode(bytes: Uint8Array): string {
  // Not TextDecoder: what it calls latin1 is windows-1252.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("latin1");
}

/** Divides bytes at the given places; those outside are ignored. */
export function cut(
  bytes: Uint8Array,
  places: readonly number[],
): Uint8Array[] {
  const inside = [...new Set(places)].filter((at) =>
    at > 0 && at < bytes.length
  ).sort((a, b) => a - b);
  const bounds = [0, ...inside, bytes.length];
  return bounds.slice(1).map((end, i) => bytes.subarray(bounds[i], end));
}

/** One connection: over TCP to loopback, or over a Unix socket to who passes it on. */
export class Wire implements Disposable {
  readonly #conn: Deno.TcpConn | Deno.UnixConn;
  /** No line of an access log about it is from before this moment; see `Client`. */
  readonly since: string;
  #received = "";
  #end: Received["end"] | undefined;
  #closed = false;

  private constructor(conn: Deno.TcpConn | Deno.UnixConn, begun: number) {
    this.#conn = conn;
    this.since = new Date(begun - CLOCKS_MS).toISOString().replace("Z", "");
  }

  static async connect(port: number): Promise<Wire> {
    const begun = Date.now();
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return Wire.over(conn, begun);
  }

  /** Takes a connection over. */
  static over(
    conn: Deno.TcpConn | Deno.UnixConn,
    begun: number = Date.now(),
  ): Wire {
    if ("setNoDelay" in conn) conn.setNoDelay(true);
    return new Wire(conn, begun);
  }

  /** This end's address, as access logs write it. */
  get address(): string {
    const { hostname, port } = this.#conn.localAddr as Deno.NetAddr;
    return `${hostname}:${port}`;
  }

  /** What came and was not taken by a `read` yet. */
  get unread(): string {
    return this.#received;
  }

  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encode(data) : data;
    const write = async () => {
      for (let at = 0; at < bytes.length;) {
        at += await this.#conn.write(bytes.subarray(at));
      }
    };
    await within(write(), () => "room to send", () => this.close());
  }

  /** Sends no more; reading goes on. */
  finish(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Takes what comes up to and with a text. */
  async readUntil(text: string): Promise<string> {
    for (;;) {
      const at = this.#received.indexOf(text);
      if (at >= 0) return this.#take(at + text.length);
      await this.#more(() => JSON.stringify(text));
    }
  }

  /** Takes so many bytes. */
  async readBytes(count: number): Promise<string> {
    while (this.#received.length < count) await this.#more(() => `${count} B`);
    return this.#take(count);
  }

  /** Takes all that comes until the other side hangs up. */
  async readToEnd(): Promise<Received> {
    const parts = [this.#take(this.#received.length)];
    while (!this.#end) {
      await this.#fill(() => `end after ${JSON.stringify(parts.at(-1))}`);
      parts.push(this.#take(this.#received.length));
    }
    return { text: parts.join(""), end: this.#end };
  }

  /** Sends a request and takes the reply up to and with its end. */
  async ask(request: string, replyEnd: string): Promise<string> {
    await this.send(request);
    return await this.readUntil(replyEnd);
  }

  /**
   * Sends all pieces and half-closes, while it takes all that comes. The pause
   * between pieces lets the other side read each by itself, if it likes.
   */
  async exchange(
    pieces: readonly Uint8Array[],
    pause = 0,
  ): Promise<Received> {
    const [received] = await Promise.all([
      this.readToEnd(),
      this.#sendAll(pieces, pause),
    ]);
    return received;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #sendAll(
    pieces: readonly Uint8Array[],
    pause: number,
  ): Promise<void> {
    try {
      for (const piece of pieces) {
        await this.send(piece);
        if (piece === pieces.at(-1)) break;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      await this.finish();
    } catch (error) {
      // Hung up on while sending: what it said before still counts.
      if (!isHangUp(error)) throw error;
    }
  }

  #take(count: number): string {
    const text = this.#received.slice(0, count);
    this.#received = this.#received.slice(count);
    return text;
  }

  async #more(what: () => string): Promise<void> {
    const shown = () =>
      `${what()} in ${JSON.stringify(this.#received.slice(-500))}`;
    await this.#fill(shown);
    if (this.#end) throw new Error(`${this.#end} without ${shown()}`);
  }

  async #fill(what: () => string): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      const read = await within(
        this.#conn.read(buffer),
        what,
        () => this.close(),
      );
      if (read === null) this.#end = "closed";
      else this.#received += decode(buffer.subarray(0, read));
    } catch (error) {
      if (!isHangUp(error)) throw error;
      this.#end = "reset";
    }
  }
}

function isHangUp(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected;
}
