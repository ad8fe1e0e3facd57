/**
 * CRC-24 as segments have it over their header (native_protocol_v5.spec,
 * section 2.2): polynomial 0x1974F0B, from the highest bit on.
 *
 * @module
 */

const START = 0x875060;
const POLYNOMIAL = 0x1974f0b;
const TABLE = table();

function table(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= POLYNOMIAL;
    }
    return crc;
  });
}

/** CRC-24 of the bytes from `start` to `end`. */
export function crc24(data: Uint8Array, start: number, end: number): number {
  let crc = START;
  for (let at = start; at < end; at++) {
    crc = (crc << 8 & 0xffffff) ^ TABLE[(crc >>> 16) ^ data[at]!]!;
  }
  return crc;
}
