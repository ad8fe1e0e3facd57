/**
 * Moments as RFC 3339 in UTC with microseconds. What a second has in common is
 * written once.
 *
 * @module
 */

/** Bytes of a moment: `2026-11-24T06:00:00.123456Z`. */
export const TIMESTAMP_BYTES = 27;

const DIGITS = 6;
const ZERO = 0x30;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes moments. */
export class Timestamps {
  /** The start of the second that was written last. */
  #second = NaN;
  readonly #bytes = new Uint8Array(TIMESTAMP_BYTES);

  /** @param ms milliseconds since the epoch, with a fraction */
  format(ms: number): string {
    return decoder.decode(this.bytes(ms));
  }

  /** The same as bytes; they are valid until the next call. */
  bytes(ms: number): Uint8Array {
    const bytes = this.#bytes;
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const text = new Date(second * 1000).toISOString();
      encoder.encodeInto(text.slice(0, -4) + "000000Z", bytes);
    }
    let micros = Math.floor((ms - second * 1000) * 1000);
    for (
      let at = TIMESTAMP_BYTES - 2;
      at > TIMESTAMP_BYTES - 2 - DIGITS;
      at--
    ) {
      const rest = Math.floor(micros / 10);
      bytes[at] = ZERO + micros - rest * 10;
      micros = rest;
    }
    return bytes;
  }
}
