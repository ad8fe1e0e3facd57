/**
 * Segments, in which frames of version 5 travel (native_protocol_v5.spec,
 * section 2.2).
 *
 * ```text
 * plain  = length:17 contained:1 zero:6               crc24 payload crc32
 * lz4    = length:17 unpacked:17 contained:1 zero:5   crc24 payload crc32
 * ```
 *
 * All numbers are little endian. A contained segment holds whole frames; another
 * one a part of a frame that is too long for one segment. With LZ4 a payload
 * whose unpacked length is 0 is as it is.
 *
 * @module
 */
import { crc32, lz4Block } from "parley/proxylib";
import { crc24 } from "./crc24.ts";

/** Most bytes of a payload, packed or not. */
export const PAYLOAD_MAX = 0x1ffff;

const CRC24 = 3;
const CRC32 = 4;
/** CRC-32 of the four bytes that the sum begins with. */
const START = crc32(Uint8Array.of(0xfa, 0x2d, 0x55, 0xca));

/** The header of a segment. One object is used again for all of a direction. */
export class Segment {
  /** Where the payload begins. */
  payload = 0;
  /** Where the payload ends, and its checksum begins. */
  payloadEnd = 0;
  /** Where the segment ends. */
  end = 0;
  /** Bytes of frames that it holds. */
  size = 0;
  isContained = false;
  #isPacked = false;

  /**
   * Reads the header at `at`.
   *
   * @returns how many bytes are missing, 0 when it was read, -1 when its checksum is wrong
   */
  read(data: Uint8Array, at: number, end: number, lz4: boolean): number {
    const bits = lz4 ? 5 : 3;
    this.payload = at + bits + CRC24;
    if (end < this.payload) return this.payload - end;
    if (crc24(data, at, at + bits) !== littleEndian(data, at + bits, CRC24)) {
      return -1;
    }
    const low = littleEndian(data, at, 3);
    const length = low & PAYLOAD_MAX;
    let unpacked = 0;
    let contained = low >>> 17;
    if (lz4) {
      const high = littleEndian(data, at + 2, 3); // bits 16 to 39
      unpacked = high >>> 1 & PAYLOAD_MAX;
      contained = high >>> 18;
    }
    this.#isPacked = unpacked > 0;
    this.isContained = (contained & 1) === 1;
    this.size = this.#isPacked ? unpacked : length;
    this.payloadEnd = this.payload + length;
    this.end = this.payloadEnd + CRC32;
    return 0;
  }

  /** Whether the payload, which is at hand, has its checksum. */
  isIntact(data: Uint8Array): boolean {
    const { payload, payloadEnd } = this;
    const found = littleEndian(data, payloadEnd, CRC32);
    return crc32(data, payload, payloadEnd, START) === found;
  }

  /** Whether the payload must be unpacked. */
  get isPacked(): boolean {
    return this.#isPacked;
  }

  /**
   * Puts the frames' bytes, {@linkcode size} of them, into `output`.
   *
   * @returns whether there were as many as the header says
   */
  unpack(data: Uint8Array, output: Uint8Array): boolean {
    const { payload, payloadEnd, size } = this;
    if (!this.#isPacked) {
      output.set(data.subarray(payload, payloadEnd));
      return true;
    }
    return lz4Block(data, payload, payloadEnd, output) === size;
  }
}

/**
 * A contained segment of pieces of `data`, not packed.
 *
 * @param pieces where each begins and ends, in turn; at most {@linkcode PAYLOAD_MAX} bytes
 */
export function containedSegment(
  data: Uint8Array,
  pieces: readonly number[],
  lz4: boolean,
): Uint8Array {
  let length = 0;
  for (let i = 0; i < pieces.length; i += 2) {
    length += pieces[i + 1]! - pieces[i]!;
  }
  const bits = lz4 ? 5 : 3;
  const head = bits + CRC24;
  const segment = new Uint8Array(head + length + CRC32);
  put(segment, 0, length, 3);
  if (lz4) segment[4] = 1 << 2; // bit 34
  else segment[2]! |= 1 << 1; // bit 17
  put(segment, bits, crc24(segment, 0, bits), CRC24);
  let at = head;
  for (let i = 0; i < pieces.length; i += 2) {
    segment.set(data.subarray(pieces[i], pieces[i + 1]), at);
    at += pieces[i + 1]! - pieces[i]!;
  }
  put(segment, at, crc32(segment, head, at, START), CRC32);
  return segment;
}

function littleEndian(data: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value << 8 | data[at + i]!;
  return value >>> 0;
}

function put(data: Uint8Array, at: number, value: number, size: number): void {
  for (let i = 0; i < size; i++) data[at + i] = value >>> 8 * i;
}
