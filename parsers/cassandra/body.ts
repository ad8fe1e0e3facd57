/**
 * Bodies of frames, packed or not, as far as a reader needs them.
 *
 * Frames of version 3 and 4 are packed one by one (native_protocol_v4.spec,
 * section 5): LZ4 with the unpacked length in four bytes before it, or Snappy,
 * which has its own. Only the front of a body is unpacked, and more of it while
 * the reader wants more.
 *
 * @module
 */
import { lz4Block, snappyElements, snappyPreamble } from "parley/proxylib";
import { Reader } from "./reader.ts";

/** How bodies are packed; empty: they are not. */
export type Compression = "" | "lz4" | "snappy";

/** What became of a reading. */
export type Outcome = "read" | "more" | "malformed" | "limit";

/** What is unpacked at first: most of what decides is in the front. */
const FRONT = 1024;
/** Room that is kept from one frame to the next, for all connections. */
const KEPT = 128 * 1024;
let room = new Uint8Array(FRONT);

/** At least so many bytes, to be used until the next call. */
export function scratch(bytes: number): Uint8Array {
  if (bytes > KEPT) return new Uint8Array(bytes);
  if (bytes > room.length) room = new Uint8Array(KEPT);
  return room.subarray(0, bytes);
}

/** Opens bodies to a reader, and asks it again while it gets more. */
export class Body {
  readonly reader = new Reader();
  /** After `more`: bytes that are missing at least. */
  missing = 0;

  /**
   * Reads a body.
   *
   * @param start where it begins in `data`, of which `end` bytes are at hand
   * @param length bytes of the body, packed as it is
   * @param most bytes to unpack
   * @param read reads what it needs; called again with more, from the start
   */
  read(
    data: Uint8Array,
    start: number,
    end: number,
    length: number,
    compression: Compression,
    most: number,
    read: (reader: Reader) => void,
  ): Outcome {
    const { reader } = this;
    const limit = start + length;
    if (compression !== "") {
      return this.#unpack(data, start, end, limit, compression, most, read);
    }
    reader.open(data, start, end, limit);
    read(reader);
    if (reader.isLying) return "malformed";
    this.missing = reader.wanted - end;
    return reader.wanted > 0 ? "more" : "read";
  }

  #unpack(
    data: Uint8Array,
    start: number,
    end: number,
    limit: number,
    compression: Compression,
    most: number,
    read: (reader: Reader) => void,
  ): Outcome {
    const { reader } = this;
    const atHand = Math.min(end, limit);
    const isWhole = atHand === limit;
    this.missing = 1;
    const preamble = unpackedLength(data, start, atHand, compression);
    if (preamble === undefined) return isWhole ? "malformed" : "more";
    const { length, elements } = preamble;
    if (length < 0) return "malformed";
    const decode = compression === "lz4" ? lz4Block : snappyElements;
    let front = FRONT;
    for (;;) {
      const output = scratch(Math.min(front, length, most));
      const decoded = decode(data, elements, atHand, output);
      const count = decoded < 0 ? ~decoded : decoded;
      reader.open(output, 0, count, length);
      read(reader);
      if (reader.isLying) return "malformed";
      if (reader.wanted === 0) return "read";
      if (reader.wanted > most) return "limit";
      if (decoded < 0) return "malformed";
      if (count < output.length) return isWhole ? "malformed" : "more";
      front = Math.max(2 * front, reader.wanted);
    }
  }
}

interface Preamble {
  /** Negative: it cannot be. */
  readonly length: number;
  readonly elements: number;
}

function unpackedLength(
  data: Uint8Array,
  start: number,
  end: number,
  compression: Compression,
): Preamble | undefined {
  if (compression === "snappy") return snappyPreamble(data, start, end);
  if (end - start < 4) return undefined;
  const length = data[start]! << 24 | data[start + 1]! << 16 |
    data[start + 2]! << 8 | data[start + 3]!;
  return { length, elements: start + 4 };
}
