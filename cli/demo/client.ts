/**
 * A TCP client that chooses the address it comes from. `Deno.connect` cannot;
 * `node:net` can.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import type { Cutter } from "./replies.ts";
import { until } from "./until.ts";

/** Where to connect to, how to cut what comes back, and as whom. */
export interface ClientOptions {
  readonly port: number;
  readonly cut: Cutter;
  /** A loopback address to come from; the system's choice unless given. */
  readonly from?: string;
}

/** One connection. Texts have one character a byte. */
export class Client {
  /** `host:port` of this side, as the access log has it. */
  readonly address: string;
  /** Replies that came in all. */
  answered = 0;
  /** Whether a step brings about that this connection is closed on it. */
  mayBeClosed = false;
  readonly #socket: Socket;
  readonly #replies: string[] = [];
  #rest = "";
  #left = false;
  #ended = false;

  private constructor(socket: Socket, cut: Cutter) {
    this.#socket = socket;
    this.address = `${socket.localAddress}:${socket.localPort}`;
    socket.on("data", (text: string) => {
      const { replies, rest } = cut(this.#rest + text);
      this.#replies.push(...replies);
      this.answered += replies.length;
      this.#rest = rest;
    });
    const end = () => this.#ended = true;
    socket.on("end", end).on("close", end).on("error", end);
  }

  /** @throws {Error} when nobody listens, or the machine has no such address to come from */
  static connect({ port, cut, from }: ClientOptions): Promise<Client> {
    const { promise, resolve, reject } = Promise.withResolvers<Client>();
    const localAddress = from === undefined ? {} : { localAddress: from };
    const socket = connect({ host: "127.0.0.1", port, ...localAddress });
    socket.setEncoding("latin1").setNoDelay(true);
    const refuse = (error: Error) => reject(explained(error, from));
    socket.once("error", refuse);
    socket.once("connect", () => {
      socket.off("error", refuse);
      resolve(new Client(socket, cut));
    });
    return promise;
  }

  /** The other side closed it, without having been asked to. */
  get wasClosed(): boolean {
    return this.#ended && !this.#left;
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** The next replies, in order. @throws {Error} when they do not come */
  async receive(count: number): Promise<string[]> {
    await until(`${count} replies at ${this.address}`, () => {
      if (this.#replies.length >= count) return true;
      if (!this.#ended) return undefined;
      throw new Error(
        `${this.address} was closed with ${this.#replies.length} of ${count} replies received`,
      );
    });
    return this.#replies.splice(0, count);
  }

  /** Sends one request; its reply. */
  async ask(request: string): Promise<string> {
    this.send(request);
    const [reply] = await this.receive(1);
    return reply!;
  }

  /** The first reply, or nothing if the connection is closed instead. */
  replyOrClose(): Promise<string | "closed"> {
    return until(
      `a reply or the end of ${this.address}`,
      () => this.#replies.shift() ?? (this.#ended ? "closed" : undefined),
    );
  }

  leave(): void {
    this.#left ||= !this.#ended;
    this.#socket.destroy();
  }
}

/** Linux has all of 127.0.0.0/8; other systems want to be told. */
function explained(error: Error, from: string | undefined): Error {
  if ((error as { code?: string }).code !== "EADDRNOTAVAIL") return error;
  return new Error(
    `this machine has no address ${from}; on macOS: sudo ifconfig lo0 alias ${from}`,
    { cause: error },
  );
}
