/**
 * The bytes that wait to be written to one socket.
 *
 * @module
 */

/** Above this many queued bytes the other side is not read. */
const HIGH_WATER = 256 * 1024;
/** Small writes are joined up to this size. */
const JOINED = 64 * 1024;

/** A socket's output queue: `write` never blocks, `flooded` says when to stop reading. */
export class Output {
  readonly #conn: Deno.Conn;
  /** Called when bytes have left, or writing has failed. */
  readonly #moved: (error?: unknown) => void;
  #queue: Uint8Array[] = [];
  #bytes = 0;
  #running = false;
  #ending = false;
  #done = false;
  #failed = false;

  constructor(conn: Deno.Conn, moved: (error?: unknown) => void) {
    this.#conn = conn;
    this.#moved = moved;
  }

  /** Bytes that wait. */
  get queued(): number {
    return this.#bytes;
  }

  get flooded(): boolean {
    return this.#bytes > HIGH_WATER;
  }

  /** No more can be written: half-closed, or failed. */
  get done(): boolean {
    return this.#done;
  }

  /** The peer takes nothing any more. */
  get failed(): boolean {
    return this.#failed;
  }

  write(bytes: Uint8Array): void {
    if (this.#ending || this.#done) return;
    this.#queue.push(bytes.slice());
    this.#bytes += bytes.length;
    this.#start();
  }

  /** Half-closes once the queue has left. */
  end(): void {
    if (this.#ending || this.#done) return;
    this.#ending = true;
    this.#start();
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#run().catch((error) => {
      this.#done = true;
      this.#failed = true;
      this.#queue = [];
      this.#bytes = 0;
      this.#moved(error);
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const chunk = this.#next();
      await writeAll(this.#conn, chunk);
      this.#bytes -= chunk.length;
      this.#moved();
    }
    if (this.#ending) {
      await (this.#conn as Deno.TcpConn | Deno.UnixConn).closeWrite();
      this.#done = true;
      this.#moved();
    }
    this.#running = false;
  }

  /** The next bytes to write: one chunk, or several small ones joined. */
  #next(): Uint8Array {
    const first = this.#queue[0]!;
    let count = 1;
    let size = first.length;
    while (
      count < this.#queue.length && size + this.#queue[count]!.length <= JOINED
    ) {
      size += this.#queue[count++]!.length;
    }
    const chunks = this.#queue.splice(0, count);
    if (count === 1) return first;
    const joined = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    return joined;
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await conn.write(bytes.subarray(written));
  }
}
