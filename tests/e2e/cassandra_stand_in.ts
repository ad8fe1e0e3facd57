/**
 * What stands in for a Cassandra where only the protocol counts: READY for
 * STARTUP, an empty result for all else, on the request's stream.
 *
 * @module
 */
import { done, joined, ready } from "../../parsers/cassandra/testkit.ts";

const HEADER = 9;
const STARTUP = 0x01;

/** Listens on a free loopback port, until it is disposed of. Reads frames only, not segments. */
export class CassandraStandIn implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  readonly #conns = new Set<Deno.Conn>();
  /** Answers wait until there are so many of a connection. */
  waitsFor = 1;

  constructor() {
    this.#serving = this.#accept();
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async #accept(): Promise<void> {
    const served: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) served.push(this.#serve(conn));
    } catch { /* disposed of */ }
    await Promise.all(served);
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    this.#conns.add(conn);
    const buffer = new Uint8Array(64 * 1024);
    let rest: Uint8Array = new Uint8Array(0);
    let answers: Uint8Array[] = [];
    try {
      for (;;) {
        const read = await conn.read(buffer);
        if (read === null) break;
        rest = joined(rest, buffer.subarray(0, read));
        for (let frame = take(rest); frame; frame = take(rest)) {
          rest = rest.subarray(frame.length);
          answers.push(answer(frame));
          if (frame[4] !== STARTUP && answers.length < this.waitsFor) continue;
          await new Blob(answers as BlobPart[]).stream()
            .pipeTo(conn.writable, { preventClose: true });
          answers = [];
        }
      }
    } catch { /* the sidecar has hung up */ }
    this.#conns.delete(conn);
    close(conn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) close(conn);
    await this.#serving;
  }
}

function take(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = HEADER + view.getUint32(5);
  return bytes.length < length ? undefined : bytes.subarray(0, length);
}

function answer(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const options = { version: frame[0]!, stream: view.getUint16(2) };
  return frame[4] === STARTUP ? ready(options) : done(options);
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch { /* it has ended */ }
}
