/**
 * Bytes that a socket did not take yet.
 *
 * @module
 */

/** Small writes are joined in chunks of this size, so that they leave in few calls. */
const CHUNK_BYTES = 16 * 1024;

/** A queue of bytes, copied as they come. */
export class Queue {
  #chunks: Uint8Array[] = [];
  /** Sent bytes of the first chunk. */
  #start = 0;
  /** Used bytes of the last chunk. */
  #used = 0;
  #bytes = 0;

  /** How many bytes wait. */
  get length(): number {
    return this.#bytes;
  }

  push(bytes: Uint8Array): void {
    const last = this.#chunks.at(-1);
    const room = last ? last.length - this.#used : 0;
    const fitting = Math.min(room, bytes.length);
    if (fitting > 0) {
      last!.set(bytes.subarray(0, fitting), this.#used);
      this.#used += fitting;
    }
    const rest = bytes.length - fitting;
    if (rest > 0) {
      const chunk = new Uint8Array(Math.max(CHUNK_BYTES, rest));
      chunk.set(bytes.subarray(fitting));
      this.#chunks.push(chunk);
      this.#used = rest;
    }
    this.#bytes += bytes.length;
  }

  /** The bytes to send next: one chunk at most. Ask only if there are some. */
  head(): Uint8Array {
    const first = this.#chunks[0]!;
    const end = this.#chunks.length === 1 ? this.#used : first.length;
    return first.subarray(this.#start, end);
  }

  /** All that wait, in one piece. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const [index, chunk] of this.#chunks.entries()) {
      const start = index === 0 ? this.#start : 0;
      const isLast = index === this.#chunks.length - 1;
      const part = chunk.subarray(start, isLast ? this.#used : chunk.length);
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** `count` bytes of the head have left. */
  consume(count: number): void {
    this.#bytes -= count;
    this.#start += count;
    if (this.#bytes === 0) return this.clear();
    if (this.#start < this.#chunks[0]!.length) return;
    this.#chunks.shift();
    this.#start = 0;
  }

  clear(): void {
    this.#chunks = [];
    this.#start = 0;
    this.#used = 0;
    this.#bytes = 0;
  }
}
