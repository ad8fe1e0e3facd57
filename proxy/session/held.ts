/**
 * The undecided bytes of one direction.
 *
 * Bytes that are decided while they are shown are never copied; only what is
 * left at the end of a `feed` is. The buffer grows by doubling, so a frame that
 * arrives in many reads costs a copy per byte, not one per byte and read.
 *
 * @module
 */
const NONE: Uint8Array = new Uint8Array(0);

/** A window of bytes that is consumed from its front. */
export class Held {
  /** What was kept from earlier reads, followed by free room. */
  #buffer = NONE;
  /** Where the window lies: in the caller's bytes, or in `#buffer`. */
  #window = NONE;
  #borrowed = false;
  /** Bytes from here to `#start` were passed and not yet asked for. */
  #passed = 0;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds bytes. They are borrowed until `keep`. */
  show(bytes: Uint8Array): void {
    if (this.length === 0) {
      this.#window = bytes;
      this.#borrowed = true;
      this.#passed = 0;
      this.#start = 0;
      this.#end = bytes.length;
    } else {
      this.#append(bytes);
    }
  }

  /** The undecided bytes; valid until the next call of `show` or `keep`. */
  bytes(): Uint8Array {
    return view(this.#window, this.#start, this.#end);
  }

  /** Settles up to `most` bytes from the front; how many. They are kept for `passed`. */
  pass(most: number): number {
    const count = Math.min(most, this.length);
    this.#start += count;
    return count;
  }

  /** The bytes that were passed since this was asked last: requests in a row in one piece. */
  passed(): Uint8Array {
    const bytes = view(this.#window, this.#passed, this.#start);
    this.#passed = this.#start;
    return bytes;
  }

  /** Discards up to `most` bytes from the front; how many. Ask for what was passed before. */
  drop(most: number): number {
    const count = this.pass(most);
    this.#passed = this.#start;
    return count;
  }

  /** Copies what is still borrowed, so that the caller may reuse its buffer; frees what is empty. */
  keep(): void {
    if (!this.#borrowed && this.length > 0) return;
    const rest = this.bytes();
    this.clear();
    if (rest.length > 0) this.#append(rest);
  }

  /** Takes bytes over for good; there are none yet. */
  hold(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#append(bytes);
  }

  clear(): void {
    this.#window = NONE;
    this.#borrowed = false;
    this.#passed = 0;
    this.#start = 0;
    this.#end = 0;
    this.#buffer = NONE;
  }

  #append(bytes: Uint8Array): void {
    const held = this.length;
    const wanted = held + bytes.length;
    if (this.#buffer.length - this.#start < wanted || this.#borrowed) {
      const grown = new Uint8Array(Math.max(512, wanted * 2));
      grown.set(this.bytes());
      this.#buffer = grown;
      this.#start = 0;
    }
    this.#buffer.set(bytes, this.#start + held);
    this.#window = this.#buffer;
    this.#borrowed = false;
    this.#passed = this.#start;
    this.#end = this.#start + wanted;
  }
}

/** `subarray` makes a new object; most windows are empty, or all of what was read. */
function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start === end) return NONE;
  return start === 0 && end === bytes.length
    ? bytes
    : bytes.subarray(start, end);
}
