/**
 * A relay between the sidecar and the server that keeps what goes to the server.
 *
 * @module
 */
import { joined } from "../../parsers/cassandra/testkit.ts";

/** Listens on a free loopback port, until it is disposed of. */
export class Tap implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns: Deno.TcpConn[] = [];
  readonly #kept: Uint8Array[][] = [];

  /** @param port of the server on loopback */
  constructor(port: number) {
    this.#accept(port);
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  /** What each connection has sent to the server so far, in the order of their beginning. */
  get sent(): readonly Uint8Array[] {
    return this.#kept.map((parts) => joined(...parts));
  }

  async #accept(port: number): Promise<void> {
    try {
      for await (const client of this.#listener) {
        const server = await Deno.connect({ hostname: "127.0.0.1", port });
        this.#conns.push(client, server);
        const kept: Uint8Array[] = [];
        this.#kept.push(kept);
        const keeping = new TransformStream<
          Uint8Array<ArrayBuffer>,
          Uint8Array<ArrayBuffer>
        >({
          transform(part, controller) {
            kept.push(part);
            controller.enqueue(part);
          },
        });
        // Either end may hang up at any time: the other then sees it.
        client.readable.pipeThrough(keeping).pipeTo(server.writable)
          .catch(() => {});
        server.readable.pipeTo(client.writable).catch(() => {});
      }
    } catch { /* disposed of */ }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const conn of this.#conns) {
      try {
        conn.close();
      } catch { /* it has ended */ }
    }
  }
}
