/**
 * The access log to a Unix socket that somebody listens at.
 *
 * A listener that is away is waited for; meanwhile lines pile up in the writer,
 * within its bound. A listener gets whole lines only, but for the last one of a
 * connection that breaks: that line is sent again, whole, over the next. What a
 * listener had not read when it went is lost.
 *
 * @module
 */
import type { LogSink } from "./writer.ts";

/** Waits between two attempts to connect, doubled each time. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** What a listener that is away, or does not read, is given at the end. */
const LAST_MS = 1_000;
const LF = 0x0a;

/** What is told to the operator, and how long to wait; tests make it short. */
export interface UnixSinkOptions {
  info(message: string): void;
  warn(message: string): void;
  readonly firstWait?: number;
  readonly longestWait?: number;
}

/** A stream socket at `path`; connects when there is something to write. */
export function unixSink(path: string, options: UnixSinkOptions): LogSink {
  return new UnixSink(path, options);
}

class UnixSink implements LogSink {
  readonly #path: string;
  readonly #options: UnixSinkOptions;
  #connection: Deno.UnixConn | undefined;
  /** Ends the wait for a listener that is away. */
  #wake: (() => void) | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #isAway = false;
  #isClosed = false;

  constructor(path: string, options: UnixSinkOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Resolves once the system has taken every byte; rejects only when closed. */
  async write(bytes: Uint8Array): Promise<void> {
    const { firstWait = FIRST_WAIT_MS, longestWait = LONGEST_WAIT_MS } =
      this.#options;
    let wait = firstWait;
    for (let at = 0; at < bytes.length;) {
      const sent = await this.#send(bytes.subarray(at));
      if (this.#isClosed) {
        throw new Error(`the sink at ${this.#path} is closed`);
      }
      if (typeof sent === "number") {
        at += sent;
        wait = firstWait;
        continue;
      }
      this.#lost(sent);
      at = bytes.subarray(0, at).lastIndexOf(LF) + 1; // of a line that broke off
      await this.#pause(wait);
      wait = Math.min(2 * wait, longestWait);
    }
  }

  /** Connects again at the next write: the socket may be another one now. */
  reopen(): void {
    this.#disconnect();
    this.#wake?.();
  }

  /** Tries again at once, and waits no longer than for a last moment. */
  hurry(): void {
    this.#deadline ??= setTimeout(() => this.close(), LAST_MS);
    this.#wake?.();
  }

  /** Ends a write that is under way. */
  close(): void {
    clearTimeout(this.#deadline);
    this.#isClosed = true;
    this.reopen();
  }

  /** How many bytes were taken, or why none. */
  async #send(bytes: Uint8Array): Promise<number | Error> {
    try {
      this.#connection ??= await this.#connect();
      return await this.#connection.write(bytes);
    } catch (error) {
      this.#disconnect();
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #connect(): Promise<Deno.UnixConn> {
    const connection = await Deno.connect({
      transport: "unix",
      path: this.#path,
    });
    if (this.#isClosed) {
      connection.close();
      throw new Error("closed meanwhile");
    }
    if (this.#isAway) {
      this.#options.info(
        `the access log's listener at ${this.#path} is back: the lines that waited are sent`,
      );
    }
    this.#isAway = false;
    return connection;
  }

  /** Said once for as long as the listener is away. */
  #lost({ message }: Error): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#options.warn(
      `nobody takes the access log at ${this.#path}: ${message}; lines wait, within a bound, until a listener is there`,
    );
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }

  #pause(ms: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wake = wake;
    });
  }
}
