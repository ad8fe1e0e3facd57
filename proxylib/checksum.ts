/**
 * CRC-32 as zlib, gzip and many protocols have it (polynomial 0xEDB88320).
 *
 * Four bytes a step, from four tables: some 1 GB/s, and no call out of the
 * language.
 *
 * @module
 */

const TABLES = tables();

function tables(): Int32Array {
  const table = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    table[byte] = crc;
  }
  for (let i = 256; i < 4 * 256; i++) {
    const before = table[i - 256]!;
    table[i] = (before >>> 8) ^ table[before & 0xff]!;
  }
  return table;
}

/**
 * CRC-32 of the bytes from `start` to `end`, unsigned.
 *
 * @param before the CRC-32 of what stands before them; 0 for nothing
 */
export function crc32(
  data: Uint8Array,
  start = 0,
  end: number = data.length,
  before = 0,
): number {
  const table = TABLES;
  let crc = ~before;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    crc ^= data[at]! | data[at + 1]! << 8 | data[at + 2]! << 16 |
      data[at + 3]! << 24;
    crc = table[768 + (crc & 0xff)]! ^ table[512 + (crc >>> 8 & 0xff)]! ^
      table[256 + (crc >>> 16 & 0xff)]! ^ table[crc >>> 24]!;
  }
  for (; at < end; at++) {
    crc = (crc >>> 8) ^ table[(crc ^ data[at]!) & 0xff]!;
  }
  return ~crc >>> 0;
}
