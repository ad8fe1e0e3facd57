/**
 * A frame that is split over segments, as far as it is at hand. It is derived
 * from bytes that are held, so it is no part of what a connection remembers.
 *
 * @module
 */
import { Header } from "./header.ts";
import { PAYLOAD_MAX, type Segment } from "./segment.ts";
import { HEADER } from "./wire.ts";

/** From this size on it is read again when it has doubled, not for each part of it. */
const LARGE = 64 * 1024;

/** Gathers the parts of a frame. */
export class SplitFrame {
  readonly #header = new Header();
  /** Its bytes, {@linkcode length} of them. */
  bytes = new Uint8Array(2 * PAYLOAD_MAX);
  length = 0;
  /** Its bytes in all; 0 before its header is at hand. */
  whole = 0;
  /** Bytes of the segments that were taken. */
  taken = 0;
  /** It is not worth reading before it has so many bytes. */
  #next = HEADER;

  /** Whether there is more of it than when it was read last. */
  get isWorthReading(): boolean {
    return this.length >= this.#next;
  }

  /** It was read, and did not say enough. */
  wait(): void {
    const { length } = this;
    this.#next = length < LARGE ? length + 1 : Math.min(this.whole, 2 * length);
  }

  /** Adds a segment that is at hand; false if it cannot be a part of it. */
  add(segment: Segment, data: Uint8Array): boolean {
    const { length } = this;
    const after = length + segment.size;
    if (this.bytes.length < after) {
      const larger = new Uint8Array(2 * after);
      larger.set(this.bytes.subarray(0, length));
      this.bytes = larger;
    }
    if (!segment.unpack(data, this.bytes.subarray(length, after))) return false;
    this.length = after;
    this.taken = segment.end;
    return length > 0 ? after <= this.whole : this.#begins();
  }

  /** Reads the header in the first segment; false if that does not hold one. */
  #begins(): boolean {
    const header = this.#header;
    if (header.read(this.bytes, 0, this.length) > 0) return false;
    this.whole = HEADER + header.length;
    // A frame that fits in its first segment would be contained. One of negative length is refused later.
    return header.length < 0 || this.length < this.whole;
  }
}
