/**
 * Reads the parts of a body (native_protocol_v5.spec, section 3), of which
 * perhaps only the beginning is at hand.
 *
 * A reader remembers the first thing that went wrong and reads on as if there
 * were nothing, so callers look once, at the end. No part reaches past the body:
 * a length that says otherwise is a lie, whatever is at hand.
 *
 * @module
 */
import { isAscii, latin1 } from "parley/proxylib";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A cursor in a body. One object is used again for all. */
export class Reader {
  #data: Uint8Array = new Uint8Array(0);
  /** Where the next part begins. */
  at = 0;
  /** Where what is at hand ends. */
  #end = 0;
  /** Where the body ends. */
  #limit = 0;
  /** A part that is not at hand ends here; 0 while all were. */
  wanted = 0;
  /** A length reaches past the body, or something in it cannot be. */
  isLying = false;

  /** Begins to read the body from `start` to `limit`, at hand up to `end`. */
  open(data: Uint8Array, start: number, end: number, limit: number): void {
    this.#data = data;
    this.at = start;
    this.#end = Math.min(end, limit);
    this.#limit = limit;
    this.wanted = 0;
    this.isLying = false;
  }

  /** Whether all that was read so far is there. */
  get isGood(): boolean {
    return this.wanted === 0 && !this.isLying;
  }

  /** Says that what was read cannot be. */
  lie(): void {
    if (this.isGood) this.isLying = true;
  }

  /** Skips bytes; where they begin, or -1. */
  skip(bytes: number): number {
    if (!this.isGood) return -1;
    const start = this.at;
    if (bytes < 0 || bytes > this.#limit - start) {
      this.isLying = true;
      return -1;
    }
    if (bytes > this.#end - start) {
      this.wanted = start + bytes;
      return -1;
    }
    this.at = start + bytes;
    return start;
  }

  byte(): number {
    const at = this.skip(1);
    return at < 0 ? 0 : this.#data[at]!;
  }

  /** [short], unsigned. */
  short(): number {
    const at = this.skip(2);
    return at < 0 ? 0 : this.#data[at]! << 8 | this.#data[at + 1]!;
  }

  /** [int], signed. */
  int(): number {
    const at = this.skip(4);
    if (at < 0) return 0;
    const data = this.#data;
    return data[at]! << 24 | data[at + 1]! << 16 | data[at + 2]! << 8 |
      data[at + 3]!;
  }

  /** [string]. */
  string(): string {
    return this.#text(this.short());
  }

  /** [long string]. */
  longString(): string {
    return this.#text(this.int());
  }

  /** [short bytes], as a `latin1` text. */
  shortBytes(): string {
    const length = this.short();
    const at = this.skip(length);
    return at < 0 ? "" : latin1(this.#data, at, at + length);
  }

  skipString(): void {
    this.skip(this.short());
  }

  /** [bytes]; negative lengths stand for null. */
  skipBytes(): void {
    const length = this.int();
    if (length > 0) this.skip(length);
  }

  /** [value]: -1 is null, -2 is not set; version 3 takes any negative length for null. */
  skipValue(version: number): void {
    const length = this.int();
    if (length > 0) this.skip(length);
    else if (length < -2 && version > 3) this.lie();
  }

  /** [string list]. */
  skipStringList(): void {
    for (let n = this.short(); n > 0 && this.isGood; n--) this.skipString();
  }

  /** [bytes map]. */
  skipBytesMap(): void {
    for (let n = this.short(); n > 0 && this.isGood; n--) {
      this.skipString();
      this.skipBytes();
    }
  }

  /** The server, too, refuses what is not UTF-8. */
  #text(length: number): string {
    const at = this.skip(length);
    if (at < 0) return "";
    const text = latin1(this.#data, at, at + length);
    if (isAscii(text)) return text;
    try {
      return decoder.decode(this.#data.subarray(at, at + length));
    } catch {
      this.lie();
      return "";
    }
  }
}
