/**
 * The header of a frame (native_protocol_v5.spec, section 2).
 *
 * @module
 */
import { HEADER, OLDEST, RESPONSE } from "./wire.ts";

/** A frame's header. One object is used again for all frames of a direction. */
export class Header {
  /** The size of the header itself. */
  bytes = HEADER;
  version = 0;
  isResponse = false;
  flags = 0;
  stream = 0;
  opcode = 0;
  /** Bytes of the body; negative if the header says so. */
  length = 0;

  /**
   * Reads the header at `at`. Versions 1 and 2 have a shorter one, with one byte
   * for the stream.
   *
   * @returns how many bytes are missing; 0 when it was read
   */
  read(data: Uint8Array, at: number, end: number): number {
    if (at >= end) return 1;
    const first = data[at]!;
    this.version = first & ~RESPONSE;
    this.isResponse = first >= RESPONSE;
    const wide = this.version >= OLDEST ? 1 : 0;
    this.bytes = HEADER - 1 + wide;
    if (end - at < this.bytes) return this.bytes - (end - at);
    this.flags = data[at + 1]!;
    this.stream = wide
      ? (data[at + 2]! << 24 | data[at + 3]! << 16) >> 16
      : data[at + 2]! << 24 >> 24;
    const rest = at + 3 + wide;
    this.opcode = data[rest]!;
    this.length = data[rest + 1]! << 24 | data[rest + 2]! << 16 |
      data[rest + 3]! << 8 | data[rest + 4]!;
    return 0;
  }
}

/** Writes a frame that answers `stream`. */
export function responseFrame(
  version: number,
  stream: number,
  opcode: number,
  body: Uint8Array,
): Uint8Array {
  const wide = version >= OLDEST ? 1 : 0;
  const frame = new Uint8Array(HEADER - 1 + wide + body.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, RESPONSE | version);
  if (wide) view.setInt16(2, stream);
  else view.setInt8(2, stream);
  view.setUint8(3 + wide, opcode);
  view.setUint32(4 + wide, body.length);
  frame.set(body, HEADER - 1 + wide);
  return frame;
}
