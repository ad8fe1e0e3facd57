/**
 * Receive buffers: one for each reader, so that idle connections cost none, and
 * no parser finds bytes in its buffer that another one was shown.
 *
 * @module
 */

/** A large reply moves in few calls, and it fits the processor's cache. */
const RECEIVE_BYTES = 128 * 1024;

/** A buffer that is used again for every read. */
export class ReceiveBuffer {
  #bytes = allocate();
  #first = this.#bytes;

  /** Where to read to. */
  get bytes(): Uint8Array<ArrayBuffer> {
    // A parser can detach what it is shown; the next read needs a whole one.
    if (this.#bytes.length === 0) this.#bytes = allocate();
    return this.#bytes;
  }

  /** The first `count` bytes. Reads of one length follow one another, and a new view costs as much as a small parse. */
  first(count: number): Uint8Array {
    if (this.#first.length !== count) {
      this.#first = this.#bytes.subarray(0, count);
    }
    return this.#first;
  }
}

function allocate(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(RECEIVE_BYTES));
}

/** The buffers of a process. */
export class ReceiveBuffers {
  readonly #unread = new ReceiveBuffer();
  readonly #byReader = new WeakMap<object, ReceiveBuffer>();

  /** The buffer of a reader; without one, that of bytes that nobody reads. */
  of(reader: object | undefined): ReceiveBuffer {
    if (!reader) return this.#unread;
    let buffer = this.#byReader.get(reader);
    if (!buffer) this.#byReader.set(reader, buffer = new ReceiveBuffer());
    return buffer;
  }
}
