/**
 * A client that comes from a loopback address of its own: that is who it is to
 * the policy. `Deno.connect` cannot choose one.
 *
 * @module
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { poll } from "../e2e/wait.ts";

/** One connection. Texts have one character a byte. */
export class Peer implements Disposable {
  /** `host:port` of this side, as the access log has it. */
  readonly address: string;
  readonly #socket: Socket;
  #received = "";
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.address = `${socket.localAddress}:${socket.localPort}`;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#received += text);
    socket.on("error", () => {}); // it is closed then
    socket.on("close", () => this.#isClosed = true);
  }

  static async connect(port: number, from: string): Promise<Peer> {
    const socket = connect({ host: "127.0.0.1", port, localAddress: from });
    await once(socket, "connect");
    return new Peer(socket);
  }

  /** Sends, and waits for replies, the last of which ends so. */
  async ask(request: string, end: string | RegExp = "\r\n"): Promise<string> {
    const isEnd = (text: string) =>
      typeof end === "string" ? text.endsWith(end) : end.test(text.slice(-80));
    this.#received = "";
    this.send(request);
    return await poll(
      () => isEnd(this.#received) ? this.#received : undefined,
      () => `reply to ${JSON.stringify(request.slice(0, 80))}`,
    );
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** Until the other side has closed. */
  async closed(): Promise<void> {
    await poll(
      () => this.#isClosed ? true : undefined,
      () => "end of the connection",
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
