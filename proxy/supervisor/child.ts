/**
 * A process in the sandbox, as the supervisor sees it: messages to and from it,
 * and how it ended.
 *
 * @module
 */
import { encodeFrame, FrameReader } from "../control/frames.ts";
import { Channel, duplicate, openPair } from "../linux/channel.ts";
import { Processes } from "../linux/processes.ts";
import { type SandboxOptions, spawnSandboxed } from "../sandbox/spawn.ts";
import type { Kernel } from "./kernel.ts";
import { Overdue } from "./stuck.ts";

/** Of what a process says on its standard error, the last bytes are kept. */
const LAST_WORDS_BYTES = 4096;

/** How a process ended. */
export interface Ended {
  /** `exit code 1`, `signal SIGKILL`, … */
  readonly how: string;
  readonly success: boolean;
  /** The end of what it said on standard error. */
  readonly lastWords: string;
}

/** A running process that takes messages of one type and sends those of another. */
export class Child<To, From> {
  readonly pid: number;
  /** Resolves when the process is gone and all that it sent has been handled. */
  readonly ended: Promise<Ended>;
  readonly #process: Deno.ChildProcess;
  readonly #kernel: Kernel;
  readonly #channel: Channel;
  /** What the system knows of it: opened when it first owes an answer, closed at its end. */
  #processes: Processes | undefined;
  #isOver = false;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(
    kernel: Kernel,
    options: SandboxOptions,
    onMessage: (message: From) => void,
  ) {
    const { own, child } = openPair(kernel.libc);
    this.#kernel = kernel;
    this.#channel = new Channel(kernel.libc, own);
    try {
      this.#process = spawnSandboxed({
        ...options,
        args: [String(child), ...options.args],
        inherit: [child, ...options.inherit ?? []],
      });
    } catch (error) {
      this.#channel.close();
      throw error;
    } finally {
      kernel.libc.symbols.close(child);
    }
    this.pid = this.#process.pid;
    this.ended = this.#follow(onMessage);
  }

  /**
   * Sends a message after those before it; `descriptor` goes with it, and may be
   * closed here at once. Never rejects: that the peer is gone is told by `ended`.
   */
  send(message: To, descriptor?: number): Promise<unknown> {
    if (this.#isOver) return this.#sending;
    const frame = encodeFrame(message);
    const { libc } = this.#kernel;
    // By its turn the number may be that of another file; where there are no more numbers, it is trusted.
    const copy = descriptor === undefined ? -1 : duplicate(libc, descriptor);
    return this.#sending = this.#sending.then(async () => {
      await this.#sendAll(frame, copy < 0 ? descriptor : copy);
      if (copy >= 0) libc.symbols.close(copy);
    });
  }

  async #sendAll(bytes: Uint8Array, descriptor?: number): Promise<void> {
    if (this.#isOver) return; // the channel's number may be another one's by now
    try {
      for (let at = 0; at < bytes.length;) {
        const sent = this.#channel.send(
          bytes.subarray(at),
          at === 0 ? descriptor : undefined,
        );
        at += sent;
        if (sent === 0) await this.#kernel.readiness.writable(this.#channel.fd);
      }
    } catch { /* the peer has gone */ }
  }

  /** Tells when the process is stuck at what it was sent; see {@linkcode Overdue}. */
  expect(limit: number, stuck: (standing: number) => void): Overdue {
    if (!this.#isOver) this.#processes ??= new Processes();
    return new Overdue(limit, () => this.#processes?.cpu(this.pid), stuck);
  }

  kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch { /* it has ended */ }
  }

  async #follow(onMessage: (message: From) => void): Promise<Ended> {
    const [, , lastWords, status] = await Promise.all([
      this.#receive(onMessage),
      this.#process.stdout.pipeTo(new WritableStream()),
      lastWordsOf(this.#process.stderr),
      this.#process.status.finally(() => this.#channel.shut()),
    ]);
    await this.#sending;
    this.#channel.close();
    this.#isOver = true;
    this.#processes?.close();
    this.#processes = undefined;
    const { success, code, signal } = status;
    const how = signal ? `signal ${signal}` : `exit code ${code}`;
    return { how, success, lastWords };
  }

  async #receive(onMessage: (message: From) => void): Promise<void> {
    const reader = new FrameReader();
    for (;;) {
      // Before each: one that sends without end is not to keep others waiting.
      await this.#kernel.readiness.readable(this.#channel.fd);
      const received = this.#channel.receive(false);
      if (received === "nothing-yet") continue;
      if (!received) return;
      // Nobody is asked for one.
      if (received.descriptor !== undefined) {
        this.#kernel.libc.symbols.close(received.descriptor);
      }
      try {
        for (const message of reader.push(received.bytes)) {
          onMessage(message as From);
        }
      } catch {
        // Parser code may have got hold of it: whatever it sends, it is no message.
        this.kill();
        return;
      }
    }
  }
}

async function lastWordsOf(
  stream: ReadableStream<Uint8Array>,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true }))
      .slice(-LAST_WORDS_BYTES);
  }
  return text.trim();
}
