/**
 * A server that does what a test says, where memcached is too well behaved.
 *
 * @module
 */
import { createServer, type Server, type Socket } from "node:net";
import { within } from "./wait.ts";
import { Wire } from "./wire.ts";

/** A listening socket on a free loopback port. */
export class Upstream implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #closed = false;

  get address(): string {
    return `127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  /** The next connection; it outlives the listening socket. */
  async accept(): Promise<Wire> {
    const conn = await within(
      this.#listener.accept(),
      () => "connection to the upstream",
      () => this.close(),
    );
    return Wire.over(conn);
  }

  /** Refuses new connections. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Answers all that is sent to it with one text, until it resets connections. */
export class ResettingUpstream implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(reply: string) {
    this.#server = createServer((socket) => {
      this.#sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", () => socket.write(reply));
    });
  }

  static async start(reply: string): Promise<ResettingUpstream> {
    const upstream = new ResettingUpstream(reply);
    await new Promise<void>((resolve) =>
      upstream.#server.listen(0, "127.0.0.1", resolve)
    );
    return upstream;
  }

  get address(): string {
    const { port } = this.#server.address() as { port: number };
    return `127.0.0.1:${port}`;
  }

  /** Resets the connection that was made last. */
  resetLast(): void {
    this.#sockets.at(-1)!.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
