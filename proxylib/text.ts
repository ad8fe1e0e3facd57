/**
 * Bytes and text. Logs must lose no line to an odd byte, so bytes that are not
 * UTF-8 appear as `\xNN`.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const encoder = new TextEncoder();

/** UTF-8 bytes of a text. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Up to this length a loop costs less than a native call (bench/README.md). */
const SHORT = 64;
/** For each length, where the bytes of a short text wait to become one string, in one piece. */
const CODES = Array.from({ length: SHORT + 1 }, (_, n) => Array(n).fill(0));

/** A text with one character a byte (U+0000 to U+00FF): compares as bytes do. */
export function latin1(data: Uint8Array, start = 0, end = data.length): string {
  const stop = Math.min(end, data.length);
  if (stop <= start) return "";
  const length = stop - start;
  if (length > SHORT) {
    return Buffer.from(data.buffer, data.byteOffset + start, length)
      .toString("latin1");
  }
  const codes: number[] = CODES[length]!;
  for (let i = 0; i < length; i++) codes[i] = data[start + i]!;
  return String.fromCharCode(...codes);
}

/**
 * Where a byte first stands from `start` on and before `end`; `end` if it does
 * not. A loop of the engine's own costs a parser no budget checks.
 */
export function find(
  data: Uint8Array,
  byte: number,
  start: number,
  end: number,
): number {
  let at = start;
  while (at < end && data[at] !== byte) at++;
  return at;
}

/** Bytes of a {@linkcode latin1} text. */
export function fromLatin1(text: string): Uint8Array {
  const data = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) data[i] = text.charCodeAt(i);
  return data;
}

/** Whether a text is plain ASCII. */
export function isAscii(raw: string): boolean {
  for (let i = 0; i < raw.length; i++) {
    if (raw.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}

/** Bytes as text for a log: UTF-8 where it is, `\xNN` where it is not. Takes a {@linkcode latin1} text. */
export function printable(raw: string): string {
  if (isAscii(raw)) return raw; // the common case needs no decoding
  let text = "";
  for (let at = 0; at < raw.length;) {
    const length = sequence(raw, at);
    text += length === 0
      ? `\\x${raw.charCodeAt(at).toString(16).toUpperCase()}`
      : String.fromCodePoint(codePoint(raw, at, length));
    at += Math.max(length, 1);
  }
  return text;
}

/**
 * A {@linkcode latin1} text of what a log shows: the inverse of
 * {@linkcode printable}. A `\xNN` of a byte above 0x7F is taken as that byte,
 * for `printable` writes no other; that a peer may send those four characters
 * as they are cannot be seen in a log.
 */
export function fromPrintable(text: string): string {
  return text.split(/(\\x[89A-F][0-9A-F])/).map((part, index) =>
    index % 2 === 0
      ? latin1(bytes(part))
      : String.fromCharCode(parseInt(part.slice(2), 16))
  ).join("");
}

/**
 * Length of the well-formed UTF-8 sequence at `at` (Unicode, table 3-7); 0 if
 * there is none. A decoder that throws would cost some 100 µs for a binary key.
 */
function sequence(raw: string, at: number): number {
  const first = raw.charCodeAt(at);
  if (first < 0x80) return 1;
  const length = first < 0xc2 || first > 0xf4
    ? 0
    : first < 0xe0
    ? 2
    : first < 0xf0
    ? 3
    : 4;
  if (length === 0 || at + length > raw.length) return 0;
  const second = raw.charCodeAt(at + 1);
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i = 2; i < length; i++) {
    if ((raw.charCodeAt(at + i) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

function codePoint(raw: string, at: number, length: number): number {
  if (length === 1) return raw.charCodeAt(at);
  let point = raw.charCodeAt(at) & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    point = (point << 6) | (raw.charCodeAt(at + i) & 0x3f);
  }
  return point;
}
