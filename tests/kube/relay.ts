/**
 * A way to a server that can be blocked, and cut. Bytes pass through as they
 * are.
 *
 * @module
 */

export class Relay implements AsyncDisposable {
  readonly #target: URL;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();
  readonly #running: Promise<void>;
  /** What the server says waits for this. */
  #open = Promise.withResolvers<void>();
  #isCut = false;

  /** @param target `https://127.0.0.1:6443` */
  constructor(target: string) {
    this.#target = new URL(target);
    this.#open.resolve();
    this.#running = this.#run();
  }

  /** The same server, through here. */
  get url(): string {
    const { port } = this.#listener.addr as Deno.NetAddr;
    return `${this.#target.protocol}//127.0.0.1:${port}`;
  }

  /** What the server says does not come through, until {@linkcode release}. */
  hold(): void {
    this.#open = Promise.withResolvers();
  }

  release(): void {
    this.#open.resolve();
  }

  /** Nobody gets through any more, until {@linkcode mend}. */
  cut(): void {
    this.#isCut = true;
    for (const connection of this.#connections) close(connection);
  }

  mend(): void {
    this.#isCut = false;
  }

  async #run(): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const client of this.#listener) {
      serving.push(this.#serve(client));
    }
    await Promise.all(serving);
  }

  async #serve(client: Deno.Conn): Promise<void> {
    if (this.#isCut) return close(client);
    const { hostname, port } = this.#target;
    const server = await Deno.connect({ hostname, port: Number(port) });
    this.#connections.add(client).add(server);
    await Promise.all([
      this.#carry(client, server, () => Promise.resolve()),
      this.#carry(server, client, () => this.#open.promise),
    ]);
    this.#connections.delete(client);
    this.#connections.delete(server);
  }

  /** Until either side is gone; then the other one goes too. */
  async #carry(
    from: Deno.Conn,
    to: Deno.Conn,
    wait: () => Promise<void>,
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let count; (count = await from.read(buffer)) !== null;) {
        await wait();
        for (let sent = 0; sent < count;) {
          sent += await to.write(buffer.subarray(sent, count));
        }
      }
    } catch {
      // It was cut.
    }
    close(from);
    close(to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await this.#running;
  }
}

/** Once more is nothing. */
function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
