/**
 * Servers that do one simple thing, for tests that are not about a protocol.
 *
 * @module
 */

/** Answers each line with `NAME line`; ends when its client has. */
export class LineServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #answer: (line: string) => string;
  readonly #open = new Map<Deno.Conn, Promise<void>>();
  readonly #serving: Promise<void>;

  constructor(
    answer: (line: string) => string = (line) => `${line}\n`,
    hostname = "127.0.0.1",
  ) {
    this.#answer = answer;
    this.#listener = Deno.listen({ hostname, port: 0 });
    this.#serving = this.#serve();
  }

  get address(): string {
    const { hostname, port } = this.#listener.addr;
    return hostname.includes(":")
      ? `[${hostname}]:${port}`
      : `${hostname}:${port}`;
  }

  async #serve(): Promise<void> {
    for await (const conn of this.#listener) {
      const talk = this.#talk(conn).finally(() => this.#open.delete(conn));
      this.#open.set(conn, talk);
    }
  }

  async #talk(conn: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let rest = "";
    try {
      for (;;) {
        const read = await conn.read(buffer);
        if (read === null) break;
        const lines =
          (rest + new TextDecoder().decode(buffer.subarray(0, read)))
            .split("\n");
        rest = lines.pop()!;
        const bytes = new TextEncoder().encode(
          lines.map((line) => this.#answer(line)).join(""),
        );
        for (let at = 0; at < bytes.length;) {
          at += await conn.write(bytes.subarray(at));
        }
      }
    } catch { /* reset, or closed by the test */ }
    try {
      conn.close();
    } catch { /* closed by the test */ }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    const talks = [...this.#open.values()];
    for (const conn of this.#open.keys()) {
      try {
        conn.close();
      } catch { /* it has ended */ }
    }
    await Promise.all(talks);
  }
}

/** What memcached says of any `get` of nothing. */
export function missing(): LineServer {
  return new LineServer(() => "END\r\n");
}
